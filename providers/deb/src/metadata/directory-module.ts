import { AssemblyModule, type AssemblyExports } from '@ict/assembly';
import { DIRECTORY_MODULE } from '../compiled/directory-module.js';

/** What assembly/directory.ts exports, where each is described. Places are those of its memory; numbers have 32 bits. */
export interface DirectoryModule extends AssemblyExports {
  readonly nameBytes: { readonly value: number };
  begin(expected: number, windowBytes: number): void;
  windowStart(): number;
  widen(): void;
  read(length: number, offset: number, isLast: boolean): number;
  finish(): number;
}

/** What the module asks for. */
export interface DirectoryCaller {
  /** A stanza is left out. Numbers come with a sign. */
  leftOut(start: number, stop: number, offset: number, firstStart: number, firstStop: number): void;
  /** There is no memory any more. */
  full(): never;
}

const MODULE = new AssemblyModule<DirectoryModule>(DIRECTORY_MODULE);

/**
 * The module, with memory of its own.
 *
 * @param maxPages pages that the memory may have.
 */
export function loadDirectoryModule({ leftOut, full }: DirectoryCaller, maxPages: number): DirectoryModule {
  return MODULE.instance({ directory: { leftOut } }, full, { most: maxPages });
}
