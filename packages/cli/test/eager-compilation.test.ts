import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Measures compiled code in a process of its own, where what V8 is told does no harm: [before, after] of a script nobody has run. */
const MEASURE = `
  import { Script } from 'node:vm';
  import { compileEagerly, importForThreads, importLazily } from ${JSON.stringify(new URL('../src/eager-compilation.ts', import.meta.url).href)};
  const size = (name) => new Script('function ' + name + '() { return [' + '"a" + Math.random(), '.repeat(1000) + ']; }').createCachedData().length;
  const lazy = size('unused');
  const before = process.moduleLoadList.includes('NativeModule zlib');
  compileEagerly(['node:zlib']);
  const after = process.moduleLoadList.includes('NativeModule zlib');
  const eager = size('unneeded');
  const imported = await importLazily(async () => size('imported'));
  const again = size('unwanted');
  await importForThreads(async () => undefined);
  const threads = size('undone');
  await importLazily(async () => undefined);
  console.log(JSON.stringify({ lazy, eager, imported, again, threads, later: size('unsaid'), before, after }));
`;

it('compiled code comes to hold functions that were not called yet, until there are threads, and the modules of Node that are needed are there', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', MEASURE]);
  const { lazy, eager, imported, again, threads, later, ...zlib } = JSON.parse(stdout) as Readonly<Record<string, number>>;
  expect(eager).toBeGreaterThan(lazy * 5);
  expect(again).toBeGreaterThan(lazy * 5);
  expect(imported).toBeLessThan(lazy * 2);
  expect(threads).toBeLessThan(lazy * 2);
  expect(later).toBeLessThan(lazy * 2);
  expect(zlib).toEqual({ before: false, after: true });
});
