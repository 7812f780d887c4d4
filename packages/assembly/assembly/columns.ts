import { reserve } from './memory';

const LEAST: u32 = 16;

/** Numbers of 32 bits, one after the other, as many as come. */
@unmanaged
export class Numbers {
  start: usize;
  length: u32;
  room: u32;

  @inline
  at(place: u32): u32 {
    return load<u32>(this.start + ((<usize>place) << 2));
  }

  @inline
  set(place: u32, value: u32): void {
    store<u32>(this.start + ((<usize>place) << 2), value);
  }

  @inline
  push(value: u32): void {
    if (this.length == this.room) this.grow();
    this.set(this.length++, value);
  }

  private grow(): void {
    const larger = reserve((<u64>this.room) << 3);
    memory.copy(larger, this.start, (<usize>this.room) << 2);
    this.start = larger;
    this.room <<= 1;
  }
}

/** @param expected how many numbers may come; more are no error. */
export function numbers(expected: u32): Numbers {
  const column = changetype<Numbers>(reserve(offsetof<Numbers>()));
  column.room = max(LEAST, expected);
  column.start = reserve((<u64>column.room) << 2);
  return column;
}

/** Numbers that lie in the memory already. */
export function numbersAt(start: usize, length: u32): Numbers {
  const column = changetype<Numbers>(reserve(offsetof<Numbers>()));
  column.start = start;
  column.length = length;
  column.room = length;
  return column;
}

/** So many numbers, all 0. */
export function zeros(count: u32): Numbers {
  const column = numbers(count);
  column.length = count;
  return column;
}

/** Numbers by key, 0 where nothing was noted yet; keys come in any order. */
@unmanaged
export class Notes {
  start: usize;
  room: u32;

  @inline
  at(key: u32): u32 {
    return key < this.room ? load<u32>(this.start + ((<usize>key) << 2)) : 0;
  }

  set(key: u32, value: u32): void {
    if (key >= this.room) {
      const room = max<u64>(<u64>key + 1, (<u64>this.room) << 1);
      const larger = reserve(room << 2);
      memory.copy(larger, this.start, (<usize>this.room) << 2);
      this.start = larger;
      this.room = <u32>room;
    }
    store<u32>(this.start + ((<usize>key) << 2), value);
  }

  /** Forgets all that was noted. */
  clear(): void {
    memory.fill(this.start, 0, (<usize>this.room) << 2);
  }
}

/** @param expected keys that may come, from 0; larger ones are no error. */
export function notes(expected: u32): Notes {
  const made = changetype<Notes>(reserve(offsetof<Notes>()));
  made.room = max(LEAST, expected);
  made.start = reserve((<u64>made.room) << 2);
  return made;
}

/** Bytes one after the other. */
@unmanaged
export class Bytes {
  start: usize;
  length: u32;
  room: u32;

  push(byte: u8): void {
    this.extend(1);
    store<u8>(this.start + this.length - 1, byte);
  }

  /** Appends a copy of so many bytes. @returns where they begin. */
  append(from: usize, count: u32): u32 {
    const offset = this.length;
    this.extend(count);
    const target = this.start + offset;
    // Texts are so short that an instruction for blocks costs more.
    for (let i: u32 = 0; i < count; i++) store<u8>(target + i, load<u8>(from + i));
    return offset;
  }

  /** Makes room for so many more. */
  require(count: u32): void {
    const length = this.length;
    this.extend(count);
    this.length = length;
  }

  private extend(count: u32): void {
    const needed = <u64>this.length + count;
    if (needed > this.room) {
      const room = max<u64>(needed, (<u64>this.room) << 1);
      const larger = reserve(room);
      memory.copy(larger, this.start, this.length);
      this.start = larger;
      this.room = <u32>room;
    }
    this.length = <u32>needed;
  }
}

/** @param expected how many bytes may come; more are no error. */
export function bytes(expected: u32): Bytes {
  const column = changetype<Bytes>(reserve(offsetof<Bytes>()));
  column.room = max(LEAST, expected);
  column.start = reserve(column.room);
  return column;
}

/** Bytes that lie in the memory already. */
export function bytesAt(start: usize, length: u32): Bytes {
  const column = changetype<Bytes>(reserve(offsetof<Bytes>()));
  column.start = start;
  column.length = length;
  column.room = length;
  return column;
}
