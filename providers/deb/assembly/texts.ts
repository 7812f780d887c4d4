import { Bytes, bytes, bytesAt, Numbers, numbers, numbersAt, zeros } from '../../../packages/assembly/assembly/columns';
import { reserve } from '../../../packages/assembly/assembly/memory';

const TEXT_BYTES: u32 = 24;

/** FNV-1a (32 bits) of the bytes `[from, to)`, as `hashBytes` of package-index, which finds what lies in these tables. */
function hashOf(from: usize, to: usize): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = (hash ^ load<u8>(at)) * 0x01000193;
  return hash;
}

/** True when two runs of so many bytes are equal. */
export function isEqual(a: usize, b: usize, length: usize): bool {
  let at: usize = 0;
  for (; at + 8 <= length; at += 8) if (load<u64>(a + at) != load<u64>(b + at)) return false;
  for (; at < length; at++) if (load<u8>(a + at) != load<u8>(b + at)) return false;
  return true;
}

/** Whether a hash table has no place for one more text: at three quarters, as a larger one costs more memory than it saves steps. */
function isFull(texts: u32, slots: u32): bool {
  return (<u64>texts) << 2 >= <u64>slots * 3;
}

/** Size of a hash table for so many texts: a power of two. */
function tableSize(texts: u32): u32 {
  let size: u32 = 16;
  while (isFull(texts, size)) size <<= 1;
  return size;
}

/** Eight bits of a hash that do not say where its text lies; never 0. */
function tagOf(hash: u32): u8 {
  return <u8>max<u32>(1, hash >> 24);
}

/** Texts that are numbered from 0, equal ones alike: `TextKeys` of package-index. Nothing is added to them. */
@unmanaged
export class KnownKeys {
  texts: Bytes;
  /** By key: where its text lies in `texts`, and its length. */
  starts: Numbers;
  lengths: Numbers;
  /** By hash: key + 1, or 0. */
  slots: Numbers;

  /** The number of the text `[from, to)`; -1 when it has none. */
  find(from: usize, to: usize): i32 {
    const length = <u32>(to - from);
    const mask = this.slots.length - 1;
    let slot = hashOf(from, to) & mask;
    for (let found = this.slots.at(slot); found != 0; found = this.slots.at(slot)) {
      if (this.isText(found - 1, from, length)) return <i32>found - 1;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  /** Where the text of a key lies. */
  textOf(key: u32): usize {
    return this.texts.start + this.starts.at(key);
  }

  /** Whether a key is that of a text. */
  isText(key: u32, from: usize, length: u32): bool {
    return this.lengths.at(key) == length && isEqual(this.textOf(key), from, length);
  }
}

/** The same, to which texts are added, of which it keeps copies. */
@unmanaged
export class Keys extends KnownKeys {
  /** By slot: the tag of its text, or 0. Most texts that come are new, and of these nothing else is looked at: tags stay in the processor's cache where slots, lengths and texts do not. */
  tags: Bytes;

  /** The number of the text `[from, to)`: the next one when it is new. */
  keyOf(from: usize, to: usize): u32 {
    if (isFull(this.starts.length, this.slots.length)) this.rehash();
    const length = <u32>(to - from);
    const mask = this.slots.length - 1;
    const tags = this.tags.start;
    const hash = hashOf(from, to);
    const tag = tagOf(hash);
    let slot = hash & mask;
    for (let known = load<u8>(tags + slot); known != 0; known = load<u8>(tags + slot)) {
      if (known == tag && this.isText(this.slots.at(slot) - 1, from, length)) return this.slots.at(slot) - 1;
      slot = (slot + 1) & mask;
    }
    const key = this.starts.length;
    store<u8>(tags + slot, tag);
    this.slots.set(slot, key + 1);
    this.starts.push(this.texts.append(from, length));
    this.lengths.push(length);
    return key;
  }

  private rehash(): void {
    const size = this.slots.length << 1;
    this.slots = zeros(size);
    this.tags = bytes(size);
    for (let key: u32 = 0; key < this.starts.length; key++) {
      const from = this.textOf(key);
      const hash = hashOf(from, from + this.lengths.at(key));
      let slot = hash & (size - 1);
      while (this.slots.at(slot) != 0) slot = (slot + 1) & (size - 1);
      this.slots.set(slot, key + 1);
      store<u8>(this.tags.start + slot, tagOf(hash));
    }
  }
}

/** @param expected how many texts there may be; more are no error. */
export function keys(expected: u32): Keys {
  const made = changetype<Keys>(reserve(offsetof<Keys>()));
  const room = max<u32>(16, expected);
  made.texts = bytes(TEXT_BYTES * room);
  made.starts = numbers(room);
  made.lengths = numbers(room);
  made.slots = zeros(tableSize(room));
  made.tags = bytes(made.slots.length);
  return made;
}

/** A table that lies in the memory already, of `count` texts. */
export function adopted(texts: usize, textBytes: u32, starts: usize, lengths: usize, count: u32, slots: usize, slotCount: u32): KnownKeys {
  const made = changetype<KnownKeys>(reserve(offsetof<KnownKeys>()));
  made.texts = bytesAt(texts, textBytes);
  made.starts = numbersAt(starts, count);
  made.lengths = numbersAt(lengths, count);
  made.slots = numbersAt(slots, slotCount);
  return made;
}
