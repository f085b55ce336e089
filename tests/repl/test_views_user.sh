# A user who may only read asks views as far as they are.
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null || {
    echo "needs root and setpriv, to become another user"
    exit 77
}

# as_other ARGUMENT...: the program as a user who owns nothing here
as_other() {
    setpriv --reuid 65534 --regid 65534 --clear-groups "$FLUME" "$@"
}
work=$(pwd)
chmod 755 "$work"
as_other version >/dev/null 2>&1 || {
    echo "the program is where no other user can run it"
    exit 77
}

expect 0 a.flume init
expect 0 a.flume append -l one -l two first
expect 0 a.flume label list
as_other a.flume log >/dev/null 2>&1 || {
    echo "the test's directory is where no other user can read"
    exit 77
}

# LMDB keeps its readers in lock.mdb: the error says where.
if as_other a.flume label list >out 2>err; then
    fail "a view was asked without the right to write lock.mdb"
fi
grep -q "views/label/1: Permission denied" err || fail "$(cat err)"

chmod a+w a.flume/views/label/1/*/lock.mdb
expect_same "one 1" "$(as_other a.flume label list one | cut -f 1,2 | tr '\t' ' ')"

# What the view lacks nobody adds here: told, with how much it is, or answered as it is.
expect 0 a.flume append -l three second
as_other a.flume label list three >out 2>err
expect_same 9 $?
grep -q "2 records behind" err || fail "$(cat err)"
expect_same "" "$(as_other a.flume label list three --stale-ok -q 2>/dev/null)"
expect 0 a.flume label list
expect_same three "$(as_other a.flume label list three | cut -f 1)"
