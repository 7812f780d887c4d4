import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { RpmWorkshop } from '@ict/fixtures';
import { isIctError } from '@ict/plugin-api';
import type { CatalogueScope, DistributionDefinition, RepositorySpec } from '@ict/plugin-api';
import { directoryArchive, fakeContext, type FakeContext } from '@ict/plugin-testkit';
import { findAdvisories } from '../src/metadata/advisories.js';
import { createMetadataSource } from '../src/metadata/metadata.js';
import { UpdateinfoReader } from '../src/metadata/updateinfo.js';
import { FIXTURES } from './fixture-index.js';
import { moduleRepository } from './module-universe.js';

const archive = 'http://archive.example';
const workshop = new RpmWorkshop();
afterAll(() => workshop.close());

function open(root: string): FakeContext {
  const ctx = fakeContext({ archives: [directoryArchive(archive, root)], nowSeconds: Math.floor(Date.now() / 1000) + 60 });
  onTestFinished(() => ctx[Symbol.asyncDispose]());
  return ctx;
}

async function scopeIn(
  ctx: FakeContext,
  names: readonly string[],
  seeds: readonly string[] = [],
  options: Partial<RepositorySpec> = {},
): Promise<CatalogueScope> {
  const repository = { id: 'test', archive, suite: '', components: [], keyrings: [], repoGpgCheck: false, ...options };
  return {
    names: new Set(names),
    arch: 'x86_64',
    distribution: { essential: { packages: [] as readonly string[] } } as DistributionDefinition,
    snapshots: [await createMetadataSource().snapshot(repository, 'x86_64', ctx)],
    seeds: seeds.map((request) => ({ request, reason: 'template' })),
  };
}

const update = (
  id: string,
  inside: string,
  attributes = 'type="security" status="final"',
) => `<update from="a@b.example" ${attributes} version="1">
  <id>${id}</id>
  <title>  about
    ${id} </title>
  <issued date="2026-02-03 04:05:06"/>
  <severity>Moderate</severity>
  <references>
    <reference href="https://a.example/1" id="CVE-2026-22222" type="cve" title="x"/>
    <reference href="https://a.example/2" id="77" type="bugzilla" title="CVE-2026-1111 CVE-2026-22222 flaws"/>
  </references>
  <pkglist>${inside}</pkglist>
</update>`;
const pkg = (name: string, evr: string, arch = 'x86_64', module = '') => {
  const [epoch, version, release] = evr.split(/[:-]/);
  return `<collection short="c"><name>Collection</name>${module}<package name="${name}" epoch="${epoch}" version="${version}" release="${release}" arch="${arch}" src="x.src.rpm"><filename>f</filename></package></collection>`;
};
const updates = (...all: readonly string[]) => `<?xml version="1.0"?>\n<updates>${all.join('\n')}</updates>`;

/** Publishes advisories in a repository, as modifyrepo_c does. */
function publish(name: string, text: string, compression = 'gz', root = workshop.repository(name, [])): string {
  const file = join(workshop.directory, `${name}-updateinfo.xml`);
  // Not every modifyrepo_c knows zstd.
  if (compression === 'zst') publishAsZstd(text, join(root, 'repodata'));
  else {
    writeFileSync(file, text);
    execFileSync(
      'modifyrepo_c',
      ['--mdtype=updateinfo', compression === 'zck' ? '--zck' : `--compress-type=${compression}`, file, join(root, 'repodata')],
      {
        stdio: 'pipe',
      },
    );
  }
  return root;
}

/** Hides the plain form behind a type that nobody reads. */
function withoutPlain(root: string): void {
  const repomd = join(root, 'repodata/repomd.xml');
  writeFileSync(repomd, readFileSync(repomd, 'utf8').replace('"updateinfo"', '"unread"'));
}

function publishAsZstd(text: string, repodata: string): void {
  const bytes = zstdCompressSync(text);
  writeFileSync(join(repodata, 'updateinfo.xml.zst'), bytes);
  const [packed, plain] = [bytes, text].map((each) => createHash('sha256').update(each).digest('hex'));
  const repomd = join(repodata, 'repomd.xml');
  const data = `<data type="updateinfo"><checksum type="sha256">${packed}</checksum><open-checksum type="sha256">${plain}</open-checksum>
    <location href="repodata/updateinfo.xml.zst"/><size>${bytes.length}</size><open-size>${Buffer.byteLength(text)}</open-size></data>`;
  writeFileSync(repomd, readFileSync(repomd, 'utf8').replace('</repomd>', `${data}</repomd>`));
}

describe('advisories', () => {
  it.each(['gz', 'xz', 'zst', 'bz2'])('are read, compressed as %s', async (compression) => {
    const text = updates(update('A-1', pkg('bash', '0:5.2-3')), update('A-2', pkg('bash', '1:5.3-1') + pkg('zsh', '0:1-1')));
    const ctx = open(publish(`plain-${compression}`, text, compression));
    const words = {
      type: 'security',
      severity: 'Moderate',
      issued: '2026-02-03',
      cves: ['CVE-2026-1111', 'CVE-2026-22222'],
      repository: 'test',
    };
    const expected = [
      { id: 'A-1', title: 'about A-1', ...words, packages: [{ name: 'bash', version: '5.2-3', arch: 'x86_64' }] },
      { id: 'A-2', title: 'about A-2', ...words, packages: [{ name: 'bash', version: '1:5.3-1', arch: 'x86_64' }] },
    ];
    expect(await findAdvisories(await scopeIn(ctx, ['bash']), ctx)).toEqual(expected);
    // Not read again.
    const seen = ctx.fetch.requests.filter(({ url }) => url.includes('updateinfo')).length;
    expect(await findAdvisories(await scopeIn(ctx, ['bash']), ctx)).toEqual(expected);
    expect([seen, ctx.fetch.requests.filter(({ url }) => url.includes('updateinfo')).length]).toEqual([1, 1]);
    expect(await findAdvisories(await scopeIn(ctx, ['fish']), ctx)).toEqual([]);
  });

  it('of a real repository are read; its zchunk form is refused, as its repomd.xml gives the size of another file', async () => {
    const root = join(workshop.directory, 'real');
    cpSync(join(FIXTURES, 'repos/createrepo_c-additional-metadata'), root, { recursive: true });
    const ctx = open(root);
    expect(await findAdvisories(await scopeIn(ctx, ['bar']), ctx)).toMatchObject([
      {
        id: 'foobarupdate_1',
        type: 'enhancement',
        severity: 'severity_1',
        packages: [{ name: 'bar', version: '2.0.1-3', arch: 'noarch' }],
      },
    ]);
    withoutPlain(root);
    await expect(findAdvisories(await scopeIn(ctx, ['bar']), ctx)).rejects.toMatchObject({ code: 'ICT_RPM_INDEX_MISMATCH' });
  });

  it('are read as zchunk where there is no other form', async () => {
    const root = publish('chunked', updates(update('A-1', pkg('bash', '0:1-1'))), 'zck');
    withoutPlain(root);
    const ctx = open(root);
    const scope = await scopeIn(ctx, ['bash']);
    expect(scope.snapshots[0]!.indexes.find(({ component }) => component === 'updateinfo')!.path).toMatch(/\.zck$/);
    expect(await findAdvisories(scope, ctx)).toMatchObject([{ id: 'A-1' }]);
  });

  it('of a real repository with modules are read', () => {
    const { advisories, diagnostics } = readAll(readFileSync(join(FIXTURES, 'repos/pulp-modularity-src/updateinfo.xml'), 'utf8'));
    expect([advisories.length > 0, diagnostics]).toEqual([true, []]);
  });

  it('of Fedora Core 5 agree with what the document says, word by word', () => {
    const text = gunzipSync(readFileSync(join(FIXTURES, 'updateinfo/fedora-core-5-updateinfo.xml.gz'))).toString();
    const { bytes, advisories, fixes } = readAll(text);
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const textAt = (offset: number): string => all.toString('utf8', offset, all.indexOf('\n', offset));
    const ids = Array.from({ length: advisories.length / 6 }, (_, row) => textAt(advisories[row * 6]!));
    expect(ids).toEqual([...text.matchAll(/<id>([^<]+)<\/id>/g)].map(([, id]) => id));
    const stated = [...text.matchAll(/<package ([^>]*)>/g)].map(([, attributes]) => {
      const of = (name: string): string => new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes!)![1]!;
      return [of('name'), `${of('epoch') === '0' ? '' : `${of('epoch')}:`}${of('version')}-${of('release')}`, of('arch')];
    });
    const own = Array.from({ length: fixes.length / 5 }, (_, row) => [1, 2, 3].map((column) => textAt(fixes[row * 5 + column]!)));
    expect(own).toEqual(stated.filter(([, , arch]) => arch !== 'src'));
    expect(own.length).toBeGreaterThan(1000);
  });

  it('leave out what cannot be used, with a warning, and what was retracted or is for other machines', async () => {
    const text = updates(
      update(' ', pkg('bash', '0:1-1')),
      update('A-2', pkg('bash', '0:2-1') + pkg('', '0:2-1') + pkg('bash', '0:-1')),
      update('A-3', pkg('bash', '0:3-1'), 'type="security" status="retracted"'),
      update('A-4', pkg('bash', '0:4-1', 'aarch64') + pkg('bash', '0:4-1', 'src')),
    );
    const ctx = open(publish('odd', text));
    expect(await findAdvisories(await scopeIn(ctx, ['bash']), ctx)).toMatchObject([{ id: 'A-2', packages: [{ version: '2-1' }] }]);
    const warnings = ctx.events.filter((event) => event.type === 'warning');
    expect(warnings).toMatchObject([
      { code: 'ICT_RPM_INDEX_INVALID', message: expect.stringMatching(/^2 advisories of repository "test"/) as string },
    ]);
  });

  it('of modules count while their stream is active', async () => {
    const module = (stream: string) => `<module name="db" stream="${stream}" version="1" context="c0ffee01" arch="x86_64"/>`;
    const text = updates(
      update('S-1', pkg('db', '0:1.1-1', 'noarch', module('1'))),
      update('S-2', pkg('db', '0:2.0-1', 'noarch', module('2'))),
      update('S-0', pkg('db', '0:3.0-1', 'noarch')),
    );
    const ctx = open(publish('modular', text, 'gz', moduleRepository(workshop)));
    const ids = async (seeds: readonly string[], options: Partial<RepositorySpec> = {}) =>
      (await findAdvisories(await scopeIn(ctx, ['db'], seeds, options), ctx)).map(({ id }) => id);
    expect(await ids([])).toEqual(['S-1', 'S-0']);
    expect(await ids(['db:2'])).toEqual(['S-2', 'S-0']);
    expect(await ids([], { moduleHotfixes: true })).toEqual(['S-1', 'S-2', 'S-0']);
  }, 240_000);

  it('that are not what the root says are refused', async () => {
    const root = publish('changed', updates(update('A-1', pkg('bash', '0:1-1'))));
    const ctx = open(root);
    const scope = await scopeIn(ctx, ['bash']);
    const file = join(root, scope.snapshots[0]!.indexes.find(({ component }) => component === 'updateinfo')!.path);
    const bytes = readFileSync(file);
    bytes[bytes.length - 9]! ^= 1;
    writeFileSync(file, bytes);
    await expect(findAdvisories(scope, ctx)).rejects.toMatchObject({ code: 'ICT_RPM_INDEX_MISMATCH' });
  });

  it('that are listed by SHA-1 alone are not read, with a warning; the packages are', async () => {
    const root = publish('weak', updates(update('A-1', pkg('bash', '0:1-1'))));
    const repomd = join(root, 'repodata/repomd.xml');
    const text = readFileSync(repomd, 'utf8');
    writeFileSync(repomd, text.replace(/(<data type="updateinfo">\s*<checksum type=")sha256">[0-9a-f]+/, `$1sha">${'a'.repeat(40)}`));
    const ctx = open(root);
    expect(await findAdvisories(await scopeIn(ctx, ['bash']), ctx)).toEqual([]);
    const message = expect.stringContaining('repomd.xml lists them by a checksum of kind "sha"') as string;
    expect(ctx.events).toMatchObject([{ type: 'warning', code: 'ICT_RPM_REPOMD_INVALID', message }]);
  });
});

describe('updateinfo.xml', () => {
  it.each([
    ['is cut off', '<updates><update><id>a</id>', 27],
    ['closes what is not open', '<updates>\n<update></updates>', 18],
    ['has an entity of its own', '<updates><update><title>&x;</title></update></updates>', 24],
    ['is empty', '', 0],
  ])('that %s is refused, with the place', (_what, text, offset) => {
    expect(() => readAll(text)).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID', message: expect.stringContaining('"test"') as string }),
    );
    expect(() => readAll(text)).toThrow(expect.objectContaining({ facts: expect.objectContaining({ offset }) as object }));
  });

  it('whatever it is cut into says the same; rubbish is refused or read, never anything else', () => {
    const sound = updates(update('A-1', pkg('bash', '0:5.2-3')), update('A-2', pkg('zsh', '2:1-1', 'noarch')));
    const whole = readAll(sound);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (size) => {
        expect(readAll(sound, size)).toEqual(whole);
      }),
    );
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.string(), (at, rubbish) => {
        try {
          readAll(sound.slice(0, at) + rubbish + sound.slice(at + rubbish.length));
        } catch (error) {
          expect(isIctError(error) && error.code).toBe('ICT_RPM_INDEX_INVALID');
        }
      }),
    );
  });
});

function readAll(text: string, pieceBytes = 1 << 16) {
  const reader = new UpdateinfoReader('updateinfo.xml of repository "test"');
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.write(bytes.subarray(at, at + pieceBytes));
  return reader.finish();
}
