# packages.sh - what has to be installed to build, test and measure. Sourced by tests/run, bench/run
# and repl/demo:
#
#     . tests/packages.sh
#     need_packages build tests
#
# What always holds: nothing is asked; nothing is changed where nothing is missing; without the
# right to install, the exact command is printed and the shell ends with status 2.

# The packages of a group, one word each; a|b means that either will do. Recommended packages are not
# installed, so what only a recommendation would bring is named: libc6-dev (by gcc), clang's run time
# for the sanitizers and libFuzzer (by clang).
packages_of() {
    case $1 in
    build)
        echo cmake ninja-build gcc g++ libc6-dev binutils "pkgconf|pkg-config"
        echo libxxhash-dev libzstd-dev libisal-dev libjansson-dev liblmdb-dev libedit-dev
        echo "librust-blake3-dev|libblake3-dev"
        ;;
    tests)
        echo clang "$(packages_clang_runtime)" clang-format libcmocka-dev
        echo jq expect tmux patch util-linux libxml2-utils
        ;;
    bench)
        echo liblmdb-dev libsqlite3-dev librocksdb-dev libleveldb-dev jq
        ;;
    *)
        echo "packages.sh: no such group: $1" >&2
        exit 2
        ;;
    esac
}

# libclang-rt-N-dev, N being the version that the package clang stands for; Debian 12's where nobody
# knows.
packages_clang_runtime() {
    packages_version=$({
        dpkg-query -W -f '${Depends}\n' clang
        apt-cache show --no-all-versions clang
    } 2>/dev/null | grep -oE 'clang-[0-9]+' | head -n 1)
    echo "libclang-rt-$(echo "${packages_version:-clang-14}" | sed 's/^clang-//')-dev"
}

# Whether one package is installed, wholly.
package_is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The first alternative of each entry of the given groups of which none is installed.
packages_missing() {
    for packages_group in "$@"; do
        for packages_entry in $(packages_of "$packages_group"); do
            packages_found=no
            for package in $(echo "$packages_entry" | tr '|' ' '); do
                package_is_installed "$package" && packages_found=yes
            done
            [ $packages_found = yes ] || echo "${packages_entry%%|*}"
        done
    done | sort -u
}

# need_packages GROUP...: install what is missing, or say how and end with status 2.
need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        echo "This is not a Debian system: taking it that these are installed:" \
            "$(for packages_group in "$@"; do packages_of "$packages_group"; done | tr '\n' ' ')" >&2
        return 0
    fi
    packages_list=$(packages_missing "$@" | tr '\n' ' ')
    [ -n "$packages_list" ] || return 0

    packages_as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "Packages are missing. As root:" >&2
            echo "    apt-get update && apt-get install -y --no-install-recommends $packages_list" >&2
            exit 2
        fi
        packages_as_root="sudo -n"
    fi
    echo "Installing $packages_list" >&2
    # An index that cannot be brought up to date may still name what is needed; one that can may name
    # another version.
    $packages_as_root apt-get -qq update </dev/null >&2 || true
    packages_list=$(packages_missing "$@" | tr '\n' ' ')
    # shellcheck disable=SC2086 # Lists of words.
    if ! $packages_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends $packages_list </dev/null >&2; then
        echo "Could not install: $packages_list" >&2
        exit 2
    fi
}
