# graph while it is made: how far it has come is shown, and Ctrl-C ends it.
. "$(dirname "$0")/lib.sh"

# 49,152 records of three scopes: no command stores a scope twice.
for more in "" z=1 "z=1 y=2"; do
    # shellcheck disable=SC2086 # Words of $more are words of the command.
    expect 0 s.flume scope add --create -q -l sweep n=100 eps=0.1 $more
done
expect 0 s.flume export -o scopes
grep '"kind":"scope"' scopes >all
i=0
while [ $i -lt 14 ]; do
    cat all all >twice
    mv twice all
    i=$((i + 1))
done
expect 0 g.flume import --create -q all

# in_the_midst SIGNAL TEXT WORD...: a stopped process is sent the signal and goes on, until one of the tries
# says the text on stderr.
in_the_midst() {
    signal=$1
    text=$2
    shift 2
    try=0
    while [ $try -lt 100 ]; do
        try=$((try + 1))
        "$FLUME" "$@" >out 2>err &
        process=$!
        will_end $process
        sleep "0.0$((try % 10))"
        kill -STOP $process 2>/dev/null && kill "-$signal" $process && kill -CONT $process
        wait $process
        code=$?
        lib_command="(SIG$signal in the midst) flume $*"
        ! grep -q "$text" err || return 0
    done
    fail "never in the midst: $*"
}

in_the_midst INT cancelled g.flume graph
expect_code 130
expect_no_out
grep -qE '^cancelled: [0-9,]+ of [0-9,]+ records looked at$' err || fail "what was done: $(cat err)"
in_the_midst INT cancelled g.flume graph --scopes --json
expect_code 130
expect_no_out
expect_jq err '.type == "cancelled" and .unit == "records" and .total > .done'

in_the_midst USR1 '^graph ' g.flume graph
expect_code 0
grep -qE '^graph  +[0-9]+%  [0-9,]+ / [0-9,]+' err || fail "how far it has come: $(cat err)"
expect_out_has 'eps, n'
expect 0 g.flume graph
expect_no_err
