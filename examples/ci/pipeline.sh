#!/bin/sh
# Configuration as code for GPT-Load, for any CI: what gpt-load.yaml says is what runs.
#
#   pipeline.sh check    validate the file and show what applying it would change (merge requests)
#   pipeline.sh deploy   plan, apply exactly that plan, wait until all edges have it (main branch)
#   pipeline.sh drift    fail with exit code 2 when somebody has changed the server meanwhile (schedule)
#
# Variables:
#   GPTLOAD_SERVER   address of GPT-Load
#   GPTLOAD_TOKEN    admin token with the scopes read and write (check and drift: read); or GPTLOAD_TOKEN_FILE
#   CONFIG           the file (gpt-load.yaml); the variables that it names in ${env:…} must be set, too
#   PLAN             where the plan is kept between planning and applying (gptload-plan.json)
#   PLAN_SUMMARY     a file that the plan is appended to as Markdown, such as GitHub's $GITHUB_STEP_SUMMARY
#   GPTLOAD          the command (gptload); from a checkout: path/to/gpt-load
set -eu

gptload=${GPTLOAD:-gptload}
config=${CONFIG:-gpt-load.yaml}
plan=${PLAN:-gptload-plan.json}
summary=${PLAN_SUMMARY:-}

# Answers 0 when there is nothing to change, 2 when there is; everything else ends the pipeline.
make_plan() {
  code=0
  "$gptload" plan "$config" --prune --out "$plan" || code=$?
  case $code in 0 | 2) ;; *) exit "$code" ;; esac
  if [ -n "$summary" ]; then "$gptload" plan "$config" --prune --format markdown >>"$summary" || [ $? -eq 2 ]; fi
  return "$code"
}

case ${1:-} in
  check)
    "$gptload" validate "$config"
    make_plan || echo "Applying this file would make the changes above."
    ;;
  deploy)
    "$gptload" validate "$config"
    # Refused when the configuration has changed since the plan: run the pipeline again then.
    if make_plan; then echo "Nothing to apply."; else "$gptload" apply "$plan"; fi
    "$gptload" status --wait --timeout 60
    ;;
  drift)
    "$gptload" drift "$config"
    ;;
  *)
    echo "usage: $0 check|deploy|drift" >&2
    exit 1
    ;;
esac
