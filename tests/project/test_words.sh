#!/bin/sh
# Nothing in the code is put off until later: the words by which that is usually said are absent.
set -u
: "${FLUME_SOURCE_DIR:?}"
cd "$FLUME_SOURCE_DIR" || exit 1

found=$(grep -rnIwiE 'TODO|FIXME|XXX|stub|stubs|not implemented|not yet implemented' \
    log views repl include 2>/dev/null)
if [ -n "$found" ]; then
    echo "$found"
    exit 1
fi
echo "none found"
