import pytest
from tests.clients import Person, join_parley
from tests.model.bugs import BUGS, planted
from tests.model.walk import STEPS, Difference, Walk
@pytest.fixture
def people(db): return [join_parley(name) for name in ("alice", "bob", "carol", "dan")]
@pytest.mark.parametrize("seed",[1,2,3,4])
@pytest.mark.parametrize("name", ["the_blocked_can_invite","an_invitation_is_accepted_twice","a_link_is_used_once_too_often","edits_bypass_a_mute","slow_mode_is_not_kept","edits_bypass_posting","a_partial_event_names_the_wrong_base","a_dead_process_keeps_its_people_online"])
def test_count(people, name, seed):
    import time
    c=time.process_time()
    with planted(name) as bug:
        w=Walk(people,seed,bug.often)
        try: w.go(STEPS); what=None
        except Difference as d: what=d.what
    print("COUNT",name,seed,what,len(w.trace),round(time.process_time()-c,2), what in bug.found_as)
