import type * as fs from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { currentOwner, livenessOf, placeOf } from '../src/process-owner.js';

/** Files of the system as another machine has them. */
const system = vi.hoisted(() => ({ files: new Map<string, string>() }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const readFileSync = (path: string, options: undefined): unknown => system.files.get(path) ?? real.readFileSync(path, options);
  return { ...real, readFileSync };
});

afterEach(() => system.files.clear());

const MACHINE = '/etc/machine-id';
const BOOT = '/proc/sys/kernel/random/boot_id';

it('takes a process of this machine before its last start for dead', () => {
  system.files.set(BOOT, 'before');
  const owner = currentOwner();
  system.files.clear();
  expect(livenessOf(owner)).toBe('dead');
  expect(livenessOf(currentOwner())).toBe('alive');
});

it('knows nothing of a process of another machine of the same name, as clones of one image have', () => {
  system.files.set(MACHINE, 'another').set(BOOT, 'another');
  const owner = currentOwner();
  system.files.clear();
  expect(livenessOf(owner)).toBe('unknown');
  expect(placeOf(owner).isHere).toBe(false);
});
