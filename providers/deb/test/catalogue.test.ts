import { describe, expect, it } from 'vitest';
import { digestOf } from '@ict/integrity';
import type { Snapshot } from '@ict/plugin-api';
import { fakeContext, memoryArchive } from '@ict/plugin-testkit';
import { createCatalogue } from '../src/resolve/catalogue.js';

const SHA = 'a'.repeat(64);
const stanza = (name: string, version: string, ...fields: string[]) =>
  [
    `Package: ${name}`,
    `Version: ${version}`,
    'Architecture: amd64',
    `Filename: pool/${name}.deb`,
    'Size: 9',
    `SHA256: ${SHA}`,
    ...fields,
    '',
  ].join('\n');

const INDEX = [
  stanza(
    'editor',
    '1:2.0-1',
    'Source: editor-src (2.0)',
    'Maintainer: A Person <a@example.org>',
    'Installed-Size: 3',
    'Section: editors',
    'Priority: optional',
    'Multi-Arch: foreign',
    'Depends: libc6 (>= 2.38),\n libx (= 1)',
    'Breaks: old (<< 1)',
    'Description: writes texts\n A first line\n .\n   indented',
  ),
  stanza('mawk', '1.3', 'Provides: awk, awk-extra (= 2)', 'Description: awk'),
  stanza('gawk', '5.3', 'Provides: awk (= 5)', 'Description: another awk'),
  stanza('broken', '1', 'Provides: awk | what', 'Description: broken'),
].join('\n');

const digest = digestOf(INDEX);
const snapshot: Snapshot = {
  repository: { id: 'acme', archive: 'http://archive', suite: 'one', components: ['main'], keyrings: [] },
  root: { path: 'dists/one/InRelease', digest, sizeBytes: 1, dateSeconds: 1 },
  signers: ['AB'],
  indexes: [{ path: 'dists/one/main/Packages', digest, sizeBytes: INDEX.length, plain: { digest, sizeBytes: INDEX.length } }],
};

async function describeName(name: string) {
  await using ctx = fakeContext({ archives: [memoryArchive({ 'http://archive/dists/one/main/Packages': INDEX })] });
  return await createCatalogue().describe(snapshot, name, ctx);
}

describe('the catalogue of an index', () => {
  it('lists names, versions and texts', async () => {
    await using ctx = fakeContext({ archives: [memoryArchive({ 'http://archive/dists/one/main/Packages': INDEX })] });
    const listed = [];
    for await (const pkg of createCatalogue().list(snapshot, ctx)) listed.push(pkg);
    expect(listed.slice(0, 2)).toEqual([
      { name: 'editor', version: '1:2.0-1', arch: 'amd64', summary: 'writes texts', description: 'A first line\n\n  indented' },
      { name: 'mawk', version: '1.3', arch: 'amd64', summary: 'awk' },
    ]);
  });

  it('describes a package in the words of its stanza', async () => {
    expect(await describeName('editor')).toEqual({
      packages: [
        {
          name: 'editor',
          version: '1:2.0-1',
          arch: 'amd64',
          repository: 'acme',
          path: 'pool/editor.deb',
          digest: `sha256:${SHA}`,
          sizeBytes: 9,
          installedSizeBytes: 3072,
          summary: 'writes texts',
          description: 'A first line\n\n  indented',
          source: { name: 'editor-src', version: '2.0' },
          maintainer: 'A Person <a@example.org>',
          details: [
            { field: 'Section', text: 'editors' },
            { field: 'Priority', text: 'optional' },
            { field: 'Multi-Arch', text: 'foreign' },
          ],
          relations: [
            { field: 'Depends', text: 'libc6 (>= 2.38), libx (= 1)' },
            { field: 'Breaks', text: 'old (<< 1)' },
          ],
        },
      ],
      providers: [],
    });
  });

  it('says who provides a name, and passes over what cannot be read', async () => {
    expect((await describeName('awk')).providers.map(({ name, provides }) => `${name}: ${provides}`)).toEqual([
      'mawk: awk',
      'gawk: awk (= 5)',
    ]);
  });
});
