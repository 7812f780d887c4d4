import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replacedImage } from '../../src/finalize/replaced-image.js';
import { sampleSpec } from '../support/sample-image.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-replaced-'));
});
afterEach(() => rm(directory, { recursive: true }));

const spec = { ...sampleSpec(), image: { name: 'web', version: '1' } };

it('the image of another template is told before it is replaced, at the name of the template', async () => {
  await writeFile(join(directory, 'base-1.0.manifest.json'), JSON.stringify({ image: { name: 'base', version: '1.0' } }));
  const position = { file: '/web.yml', line: 2, column: 9 };
  const positions = new Map([['image.name', position]]);
  expect(await replacedImage(directory, { ...spec, positions })).toEqual([
    {
      code: 'ICT_OUTPUT_REPLACED',
      message: `${directory} holds the image "base"; when this build has ended, "web" takes its place, as both are called "${spec.system.name}"`,
      hint: expect.stringContaining('"systemConfig.name" of its own') as unknown,
      severity: 'warning',
      position,
    },
  ]);
});

it.each([
  ['of an earlier version of the same image', JSON.stringify({ image: { name: 'web', version: '0' } })],
  ['where the manifest is damaged', '{'],
  ['where the manifest names none', '{"image":{}}'],
])('nothing is told %s', async (_what, text) => {
  await writeFile(join(directory, 'a.manifest.json'), text);
  expect(await replacedImage(directory, spec)).toEqual([]);
});

it('nothing is told where there is no manifest, or no directory', async () => {
  await mkdir(join(directory, 'x.manifest.json'));
  expect(await replacedImage(directory, spec)).toEqual([]);
  expect(await replacedImage(join(directory, 'none'), spec)).toEqual([]);
});
