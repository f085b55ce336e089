"""Whether a proof holds, by the words of log/FORMAT.md alone: shares nothing with flume.

    python3 verify_proof.py FILE [BODY-FILE]

Prints the head root. Ends with an AssertionError where something does not follow.
"""
import struct
import sys

IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, ROOT = 1, 2, 8
MIXED = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
         (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
MASK = 0xFFFFFFFF


def turn(word, bits):
    return (word >> bits | word << (32 - bits)) & MASK


def mix(state, a, b, c, d, x, y):
    for word, first, second in ((x, 16, 12), (y, 8, 7)):
        state[a] = (state[a] + state[b] + word) & MASK
        state[d] = turn(state[d] ^ state[a], first)
        state[c] = (state[c] + state[d]) & MASK
        state[b] = turn(state[b] ^ state[c], second)


def compress(value, block, flags):
    words = list(struct.unpack('<16I', block.ljust(64, b'\0')))
    state = list(value) + IV[:4] + [0, 0, len(block), flags]
    for _ in range(7):
        for i, places in enumerate(MIXED):
            mix(state, *places, words[2 * i], words[2 * i + 1])
        words = [words[i] for i in ORDER]
    return [state[i] ^ state[i + 8] for i in range(8)]


def blake3(data):
    """BLAKE3-256 of at most one chunk, 1,024 bytes."""
    assert len(data) <= 1024
    blocks = [data[i:i + 64] for i in range(0, len(data), 64)] or [b'']
    value = IV
    for i, block in enumerate(blocks):
        flags = CHUNK_START if i == 0 else 0
        flags |= CHUNK_END | ROOT if i == len(blocks) - 1 else 0
        value = compress(value, block, flags)
    return struct.pack('<8I', *value)


def root_of(leaf, index, count, path):
    """The recursive definition of RFC 9162; the last hash of the path is the highest."""
    if count == 1:
        assert not path
        return leaf
    split = 1
    while split * 2 < count:
        split *= 2
    if index < split:
        return blake3(b'\1' + root_of(leaf, index, split, path[:-1]) + path[-1])
    return blake3(b'\1' + path[-1] + root_of(leaf, index - split, count - split, path[:-1]))


lines = [line.split(' ') for line in open(sys.argv[1], encoding='ascii').read().splitlines()]
values = {}
for word, *rest in lines:
    values.setdefault(word, []).append(rest)


def given(word):
    text = values[word][0][0]
    return b'' if text == '-' else bytes.fromhex(text)


strata = [(int(first), int(count), bytes.fromhex(root)) for first, count, root in values['strata']]
if 'seq' in values:
    first, count, root = strata[0]
    index = int(values['seq'][0][0]) - first
    header, meta = given('header'), given('meta')
    assert struct.unpack_from('<I', header, 16)[0] == index
    assert struct.unpack_from('<H', header, 28)[0] == len(meta)
    leaf = blake3(b'\0' + header + meta + given('body'))
    assert leaf == given('leaf')
    path = [bytes.fromhex(hash[0]) for hash in values.get('path', [])]
    assert root_of(leaf, index, count, path) == root
    if len(sys.argv) > 2:
        assert blake3(open(sys.argv[2], 'rb').read()) == given('body')

chain, end = given('before'), strata[0][0]
for i, (first, count, root) in enumerate(strata):
    assert first == end
    chain, end = blake3(b'\2' + chain + root + struct.pack('<QQ', first, count)), first + count
    if i == 0:
        assert values['from'][0] == [str(end), chain.hex()]
assert values['head'][0] == [str(end), chain.hex()]
print(chain.hex())
