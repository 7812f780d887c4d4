import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Measures compiled code in a process of its own, where what V8 is told does no harm: [before, after] of a script nobody has run. */
const MEASURE = `
  import { Script } from 'node:vm';
  import { compileEagerly } from ${JSON.stringify(new URL('../src/eager-compilation.ts', import.meta.url).href)};
  const size = (name) => new Script('function ' + name + '() { return [' + '"a" + Math.random(), '.repeat(1000) + ']; }').createCachedData().length;
  const lazy = size('unused');
  const before = process.moduleLoadList.includes('NativeModule zlib');
  compileEagerly(['node:zlib']);
  console.log(JSON.stringify({ lazy, eager: size('unneeded'), before, after: process.moduleLoadList.includes('NativeModule zlib') }));
`;

it('compiled code comes to hold functions that were not called yet, and the modules of Node that are needed are there', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', MEASURE]);
  const { lazy, eager, ...zlib } = JSON.parse(stdout) as { lazy: number; eager: number; before: boolean; after: boolean };
  expect(eager).toBeGreaterThan(lazy * 5);
  expect(zlib).toEqual({ before: false, after: true });
});
