# Lints openapi.yaml with Redocly where Node is installed; openapi-spec-validator has judged it everywhere else.
# The frames are components for generators of types, which no path uses; and rooms/directory is no UUID.
redocly="npx --yes @redocly/cli@2.77.0"
if ! command -v npx >/dev/null 2>&1; then
    echo "npx is not installed: openapi.yaml was not linted with Redocly."
elif ! $redocly --version >/dev/null 2>&1; then
    echo "Redocly could not be fetched: openapi.yaml was not linted with it."
else
    REDOCLY_TELEMETRY=off $redocly lint --extends=minimal --skip-rule=no-unused-components --skip-rule=no-ambiguous-paths openapi.yaml
fi
