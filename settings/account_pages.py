"""The pages that links in mail open: they choose a new password, or verify an address.

The token stands after `#` in the link, so it reaches no server but in the body of the request that uses it. A button
uses it, not the page itself, because mail scanners open links.
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<h1>{title}</h1>
<form id="form" data-path="{path}">
{fields}  <p><button>{button}</button></p>
</form>
<p id="answer" role="status"></p>
<script src="/account.js"></script>
</html>
"""
PASSWORD = """  <p>
    <label>New password <input id="password" type="password" autocomplete="new-password" required></label>
  </p>
"""
PAGES = {
    "reset-password": {
        "title": "Choose a new password",
        "path": "/v1/auth/password-reset/confirm",
        "fields": PASSWORD,
        "button": "Set the password",
    },
    "verify-email": {
        "title": "Confirm your e-mail address",
        "path": "/v1/auth/verify-email",
        "fields": "",
        "button": "Confirm",
    },
}
SCRIPT = b"""const form = document.getElementById("form");
const answer = document.getElementById("answer");
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = document.getElementById("password");
  const body = password ? { token, password: password.value } : { token };
  const headers = { "Content-Type": "application/json" };
  try {
    const response = await fetch(form.dataset.path, { method: "POST", headers, body: JSON.stringify(body) });
    if (response.ok) {
      form.remove();
      answer.textContent = "Done. You can close this page.";
    } else {
      const problem = await response.json();
      answer.textContent = [problem.detail, ...problem.errors.map((error) => error.detail)].join(" ");
    }
  } catch {
    answer.textContent = "The server cannot be reached. Try again.";
  }
});
"""
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Serve one of the pages; 404 when this server sends no mail."""
    if not settings.EMAIL_HOST:
        raise Http404
    return HttpResponse(PAGE.format(**PAGES[name]), headers={"Content-Security-Policy": POLICY})


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """Serve the script of both pages."""
    if not settings.EMAIL_HOST:
        raise Http404
    return HttpResponse(SCRIPT, content_type="text/javascript")
