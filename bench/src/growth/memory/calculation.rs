//! What a key should take, from how the server lays it out.

/// What a key holds, as far as its size goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A string of so many bytes.
    Text(u64),
    /// A small hash: its fields and their values, one after the other.
    Fields(Vec<Vec<u8>>),
}

/// Who rounds the sizes of allocations up, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allocator {
    /// Multiples of 16 up to 128 bytes, then four classes for each doubling.
    Jemalloc,
    /// Eight bytes of its own for each, multiples of 16.
    Libc,
}

impl Allocator {
    /// As `INFO memory` names it (`mem_allocator`).
    pub(super) fn named(name: &str) -> Self {
        match name.starts_with("jemalloc") {
            true => Self::Jemalloc,
            false => Self::Libc,
        }
    }

    /// What the server counts for an allocation of so many bytes.
    const fn usable(self, bytes: u64) -> u64 {
        match self {
            Self::Jemalloc if bytes <= 8 => 8,
            Self::Jemalloc if bytes <= 128 => bytes.next_multiple_of(16),
            Self::Jemalloc => bytes.next_multiple_of(1 << ((bytes - 1).ilog2() - 2)),
            Self::Libc if bytes <= 24 => 24,
            Self::Libc => (bytes + 8).next_multiple_of(16) - 8,
        }
    }
}

/// Bytes that a key with an expiry takes beside its place in the tables ([`tables`]).
///
/// The layout is that of Valkey from 8.1 on, with 64-bit pointers:
///
/// * One allocation for the object and its key: 16 bytes of header (type, encoding, age, references, and the pointer to
///   the value), 8 of expiry, 1 for the length of the key's header, and the key as a dynamic string.
/// * A dynamic string (`sds`) is a header of 1, 3, 5 or 9 bytes (by its length: below 32, 256, 65,536, or more), the
///   bytes, and a zero.
/// * A string value is a second allocation, a dynamic string. (Where everything fits into 64 bytes it is part of the
///   first; keys with an id in them are too long for that.)
/// * A small hash (at most 512 fields, none longer than 64 bytes) is a second allocation, a list pack: a header of 6
///   bytes and an end of 1, and each field and each value by itself ([`packed`]).
///
/// Each allocation is rounded up as the allocator does it. Redis 7 has objects and keys apart, with 24 bytes of entry for
/// each of the two tables: about 50 bytes a key more.
pub(super) fn calculated(allocator: Allocator, key: u64, value: &Value) -> u64 {
    const OBJECT: u64 = 16;
    const EXPIRY: u64 = 8;
    const KEY_HEADER: u64 = 1;
    const PACK: u64 = 7;
    let second = match value {
        Value::Text(length) => dynamic_string(*length),
        Value::Fields(texts) => PACK + texts.iter().map(|text| packed(text)).sum::<u64>(),
    };
    let first = OBJECT + EXPIRY + KEY_HEADER + dynamic_string(key);
    allocator.usable(first) + allocator.usable(second)
}

/// Bytes of the two tables that find so many keys, one by name and one by expiry: buckets of 64 bytes, each for seven
/// keys, a power of two of them, twice as many as soon as they are full. Further buckets of those that overflow early
/// are left out, and so is the second half of a table that is just being moved.
pub(super) fn tables(keys: u64) -> u64 {
    const BUCKET: u64 = 64;
    const KEYS: u64 = 7;
    2 * BUCKET * keys.div_ceil(KEYS).next_power_of_two()
}

const fn dynamic_string(length: u64) -> u64 {
    let header = match length {
        0..32 => 1,
        32..256 => 3,
        256..65_536 => 5,
        _ => 9,
    };
    header + length + 1
}

/// An element of a list pack: a number takes 1, 2, 3, 4, 5 or 9 bytes with its head, other texts a head of 1, 2 or 5
/// bytes and themselves; and then follows how long that was, 7 bits to a byte.
fn packed(text: &[u8]) -> u64 {
    let length = text.len() as u64;
    let own = match number(text) {
        Some(0..128) => 1,
        Some(number) => match signed_bits(number) {
            0..=13 => 2,
            14..=16 => 3,
            17..=24 => 4,
            25..=32 => 5,
            _ => 9,
        },
        None => match length {
            0..64 => 1 + length,
            64..4_096 => 2 + length,
            _ => 5 + length,
        },
    };
    own + u64::from(own.ilog2()) / 7 + 1
}

/// Bits of a number, that of its sign included.
fn signed_bits(number: i64) -> u32 {
    i64::BITS + 1 - number.leading_zeros().max(number.leading_ones())
}

/// A number that is written as the server would write it; one with zeros before it is text.
fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_by_hand() {
        // feed:snapshot:ID:ID has 87 bytes: 16 + 8 + 1 + (3 + 87 + 1) = 116, rounded 128; 5 + 5000 + 1, rounded 5,120.
        let value = Value::Text(5_000);
        assert_eq!(calculated(Allocator::Jemalloc, 87, &value), 128 + 5_120);
        // 116 + 8 to 128, without the 8; 5,006 + 8 to 5,024, without the 8.
        assert_eq!(calculated(Allocator::Libc, 87, &value), 120 + 5_016);
    }

    #[test]
    fn a_small_hash_by_hand() {
        let version = "0".repeat(39);
        let texts = ["likes", "12", "version", version.as_str()];
        let value = Value::Fields(texts.map(|text| text.as_bytes().to_vec()).into());
        // 7 + (1+5+1) + (1+1) + (1+7+1) + (1+39+1) = 66, rounded 80; 16 + 8 + 1 + (3+41+1) = 70, rounded 80.
        assert_eq!(calculated(Allocator::Jemalloc, 41, &value), 160);
    }

    #[test]
    fn elements_of_a_list_pack() {
        for (text, bytes) in [
            ("0", 2),
            ("127", 2),
            ("128", 3),
            ("-1", 3),
            ("4096", 4),
            ("40000", 5),
            ("9000000", 6),
            ("3000000000", 10),
            ("007", 5),
            ("", 2),
            ("a", 3),
        ] {
            assert_eq!(packed(text.as_bytes()), bytes, "{text}");
        }
        // From 128 bytes on, the length behind takes two bytes.
        assert_eq!(packed(&[b'a'; 125]), 125 + 2 + 1);
        assert_eq!(packed(&[b'a'; 126]), 126 + 2 + 2);
    }

    #[test]
    fn allocations_are_rounded_up() {
        for (bytes, rounded) in [
            (1, 8),
            (9, 16),
            (128, 128),
            (129, 160),
            (256, 256),
            (257, 320),
            (5_121, 6_144),
        ] {
            assert_eq!(Allocator::Jemalloc.usable(bytes), rounded, "{bytes}");
        }
        for (bytes, rounded) in [(1, 24), (24, 24), (25, 40), (40, 40), (41, 56)] {
            assert_eq!(Allocator::Libc.usable(bytes), rounded, "{bytes}");
        }
        assert_eq!(Allocator::named("jemalloc-5.3.0"), Allocator::Jemalloc);
        assert_eq!(Allocator::named("libc"), Allocator::Libc);
    }

    #[test]
    fn tables_double_when_they_are_full() {
        assert_eq!(tables(0), 128);
        assert_eq!(tables(7 << 10), 128 << 10);
        assert_eq!(tables((7 << 10) + 1), 128 << 11);
    }
}
