# init, info, stat, bench: the basin as a whole; and codes that belong to no other test.
. "$(dirname "$0")/lib.sh"

expect 0 a.flume init --strata 64k --json
expect_json out
expect_jq out '.type == "basin" and .strata_bytes == 65536 and .format == 1'
expect 2 b.flume init --strata 1000
expect 2 b.flume init --strata 2G
seq 1 1000 | expect 0 a.flume append --each line -q
expect 0 a.flume info
expect_out_has "head	1"
expect 0 a.flume info --json
expect_json out
expect_jq out '.type == "info" and .head > 1000 and .used_bytes > 32000 and .damaged == false'
expect_jq out '.first < .last'
expect 0 a.flume stat
expect_out_has "attached"
expect 0 a.flume stat --json
expect_json out
expect_jq out '.type == "stat" and (.attached | length) >= 1 and (.attached[0].pid > 0)'
expect 0 a.flume stat -i 0.1 -n 3 --json
expect_json out
expect_out_lines 3
expect 0 a.flume stat -i 0.1 -n 2
expect_out_lines 2

expect 0 bench --records 2000 --size 64 --json
expect_json out
expect_out_lines 5
expect_jq out '.case == "append" and .count == 2000 and .ops_s > 0 and .p99_ns >= .p50_ns'
expect 0 bench --records 500 --memory
expect_out_lines 5
expect 0 bench --records 200 --safe --json
TMPDIR=/nonexistent expect 6 bench --records 10
expect 2 a.flume bench
expect 2 bench --size 1G
mkdir tmp
TMPDIR=$work/tmp expect 0 bench --records 100
expect_same "" "$(ls tmp)" "bench takes its basin away"

# 6: no permission (root has every permission); 7: no basin; 8: a newer format.
expect 7 /dev/null info
expect 7 missing.flume info
expect 7 missing.flume info --json
expect_json err
expect_jq err '.code == 7 and .name == "no_basin"'
if [ "$(id -u)" -ne 0 ]; then
    chmod 000 a.flume
    expect 6 a.flume info
    chmod 755 a.flume
fi
cat >sum.c <<END
#define XXH_INLINE_ALL
#include <stdio.h>
#include <xxhash.h>
int main(void)
{
    static char data[65536];
    size_t bytes = fread(data, 1, sizeof(data), stdin);

    printf("%016llx\n", (unsigned long long)XXH3_64bits(data, bytes));
    return 0;
}
END
if "${CC:-cc}" -o sum sum.c 2>/dev/null; then
    cp -r a.flume newer.flume
    sed '/^check/d; s/^format 1$/format 99/' a.flume/flume.conf >conf
    { cat conf && echo "check $(./sum <conf)"; } >newer.flume/flume.conf
    expect 8 newer.flume info
    expect 8 newer.flume log --json
    expect_json err
    expect_jq err '.code == 8 and .name == "version"'
fi
