import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImageSpec } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { loadTemplate } from '../src/documents/load.js';
import { withPortablePaths } from '../src/sections/portable-paths.js';
import { writeTemplate } from '../src/documents/template-text.js';
import { definition, DISK, HEAD, workspace } from './workspace.js';

const PARENT = `${HEAD}${DISK}systemConfig:
  additionalFiles:
    - { local: files/motd, final: /etc/motd }
    - { local: "\${ROOT}/absolute", final: /etc/absolute }
    - { local: files/none, final: /etc/none }
  immutability: { enabled: true, secureBootDBKey: db.key, secureBootDBCrt: db.crt, secureBootDBCer: <CER> }
  fde: { enabled: true, passphraseFile: files/motd }
  initramfs: { template: initrd.yml }
layers:
  - { name: a, files: [{ local: files/motd, final: /b }], inputs: [files] }
packageRepositories:
  - { codename: a, url: "http://a.example", pkeys: [db.crt, "https://a.example/key.asc"] }
  - { codename: b, path: files, pkey: "[trusted=yes]" }
  - { codename: c, packages: [files/motd, "https://a.example/c.deb"], pkey: db.crt }
baseline: { mode: overlay, source: { path: db.key, sbomPath: files/motd } }
variables: { ROOT: { default: / } }
`;
const CHILD = `${HEAD}extends: base/parent.yml
systemConfig:
  additionalFiles:
    - { local: own, final: /etc/own }
    # Beside the parent only: found there all the same.
    - { local: initrd.yml, final: /etc/fallen }
`;

/** A specification without what says where a value was written. */
function meaning(spec: ImageSpec | undefined): unknown {
  expect(spec).toBeDefined();
  const places = ['file', 'position', 'positions'];
  return JSON.parse(JSON.stringify(spec, (key, value: unknown) => (places.includes(key) ? undefined : value)));
}

async function family() {
  const root = await workspace({
    'image.yml': CHILD,
    own: '',
    'base/parent.yml': PARENT,
    'base/files/motd': '',
    'base/db.key': '',
    'base/db.crt': '',
    'base/initrd.yml': '',
  });
  return { root, file: path.join(root, 'image.yml') };
}

it('a merged template that is printed beside its template names the same files', async () => {
  const { root, file } = await family();
  const given = new Map([['ROOT', root]]);
  const load = (text?: string) =>
    loadTemplate(file, { distribution: () => definition(), ...(text === undefined ? { variables: { given } } : { text }) });
  const { merged, spec, problems } = await load();
  expect(problems).toEqual([]);
  const printed = writeTemplate(await withPortablePaths(merged!));
  const again = await load(printed);
  expect(again.problems).toEqual([]);
  expect(meaning(again.spec)).toEqual(meaning(spec));
  // And so does what is printed of that.
  expect(writeTemplate(await withPortablePaths(again.merged!))).toBe(printed);
});

it('tells paths of other directories apart from those that stay as they are', async () => {
  const { root, file } = await family();
  const { merged } = await loadTemplate(file, { distribution: () => definition(), variables: { given: new Map([['ROOT', root]]) } });
  const { systemConfig, packageRepositories, layers } = await withPortablePaths(merged!);
  expect(systemConfig?.additionalFiles?.map(({ local }) => local)).toEqual([
    'base/files/motd',
    `${root}/absolute`,
    // It is nowhere: missing in the same place.
    'base/files/none',
    'own',
    'base/initrd.yml',
  ]);
  expect(systemConfig?.immutability?.secureBootDBCer).toBe('<CER>');
  expect(layers?.[0]?.inputs).toEqual(['base/files']);
  expect(packageRepositories?.map(({ pkey, pkeys, path: at, packages }) => pkey ?? pkeys ?? at ?? packages)).toEqual([
    ['base/db.crt', 'https://a.example/key.asc'],
    '[trusted=yes]',
    'base/db.crt',
  ]);
  expect(packageRepositories?.[2]?.packages).toEqual(['base/files/motd', 'https://a.example/c.deb']);
});

it('prefers the file beside the template that names it, whatever lies beside the printed one', async () => {
  const { root, file } = await family();
  await mkdir(path.join(root, 'files'));
  await writeFile(path.join(root, 'files', 'motd'), 'another');
  const { merged } = await loadTemplate(file, { distribution: () => definition(), variables: { given: new Map([['ROOT', root]]) } });
  expect((await withPortablePaths(merged!)).systemConfig?.additionalFiles?.[0]?.local).toBe('base/files/motd');
});
