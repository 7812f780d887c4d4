import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** The definition of toy/toy1, for plugins that tests write. */
export const TOY_DEFINITION = `apiVersion: 1
ecosystem: toy
os: toy
dist: toy1
title: Toy
architectures: [x86_64]
repositories: [{ id: main, archive: 'http://archive', keyrings: [key.pgp] }]
boot: { kernel: /boot/vmlinuz-*, initrd: /boot/initrd, makeInitrd: [mkinitramfs], loaders: {} }
tools: { packages: {} }
`;

/** What a template for {@link TOY_DEFINITION} begins with. */
export const TOY_HEAD = 'image: { name: demo, version: "1" }\ntarget: { os: toy, dist: toy1, arch: x86_64, imageType: toy }\n';

/** A directory that each test has anew. */
export interface Workspace {
  /** Absolute path of a file in it. */
  path(file: string): string;
  /** Writes a file, with its directories. @returns its absolute path. */
  write(file: string, text: string): Promise<string>;
}

export function eachInWorkspace(): Workspace {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'ict-core-'));
  });
  afterEach(() => rm(place, { recursive: true }));
  const path = (file: string): string => join(place, file);
  return {
    path,
    write: async (file, text) => {
      await mkdir(dirname(path(file)), { recursive: true });
      await writeFile(path(file), text);
      return path(file);
    },
  };
}
