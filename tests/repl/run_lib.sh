# run_lib.sh - for the tests of run, behind lib.sh: a command that leaves a mark each time it runs.
#
#   count NAME WORD...   run WORD..., and note it
#   expect_runs NAME N   it was run so often
cat >count <<'END'
#!/bin/sh
echo x >>"$1.runs"
shift
"$@"
END
chmod +x count
expect_runs() {
    expect_same "$2" "$(wc -l <"$1.runs")" "how often $1 ran"
}
