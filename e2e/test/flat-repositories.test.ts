import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildDeb, buildFlatArchive, createSigningKey, serveArchive, type ArchiveServer, type SigningKey } from '@ict/fixtures';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ShowDocument } from '@ict/core';
import { artifactOf, askRoot, ict, Mini, miniTemplate, type BuildPlaces, type IctResult } from '../src/index.js';

/** When the archive was signed, seconds since 1970. */
const DATE = 1_760_000_000;

let mini: Mini;
let places: BuildPlaces;
let key: SigningKey;
let keyring: string;
/** Its packages need each other across two directories. */
let archive: string;
let server: ArchiveServer;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'flat');
  places = await mini.places();
  key = await createSigningKey('Flat test archive');
  keyring = join(mini.root, 'flat.gpg');
  await writeFile(keyring, key.keyring);
  archive = join(mini.root, 'flat-archive');
  const tool = (version: string, fields = {}) =>
    buildDeb(
      {
        name: 'flat-tool',
        version,
        fields: { Depends: 'flat-library', ...fields },
        files: { '/usr/bin/flat-tool': `#!/bin/sh\n# ${version}\n` },
      },
      mini.root,
    );
  const library = await buildDeb({ name: 'flat-library', version: '1', files: { '/usr/lib/flat/library': 'library\n' } }, mini.root);
  // Nobody gets an update of which no machine in a hundred is to have it, but who takes them all.
  const debs = [await tool('1'), await tool('2', { 'Phased-Update-Percentage': '0' })];
  await buildFlatArchive({ root: archive, directory: './', debs, key, dateSeconds: DATE });
  await buildFlatArchive({ root: archive, directory: 'libraries/', debs: [library], key, dateSeconds: DATE + 60 });
  server = await serveArchive(archive);
});
afterAll(async () => {
  await server.close();
  await mini.close();
});

/** A template with both directories of the archive as repositories. */
function templateWith(url: string, more: object = {}): Promise<string> {
  const packageRepositories = ['./', 'libraries/'].map((codename) => ({ codename, url, pkey: keyring, ...more }));
  return mini.template(stringify({ ...miniTemplate({ system: { packages: ['flat-tool'] } }), packageRepositories }));
}

const ask = async (question: string, template: string, at: BuildPlaces, ...args: readonly string[]): Promise<IctResult> =>
  ict([question, template, ...args, ...mini.flags(), '--json', '--cache-dir', at.cache, '--work-dir', at.work, '--temp-dir', at.temporary]);

interface ReadLock {
  readonly repositories: readonly { readonly suite: string; readonly signers: readonly string[] }[];
  readonly packages: readonly { readonly name: string; readonly version: string; readonly path: string; readonly signer: string }[];
}

describe('a flat repository', () => {
  it('is pinned, resolved, locked, fetched and built from, without indexes by hash', async () => {
    const template = await templateWith(server.url);
    expect((await ask('lock', template, places)).status).toBe(0);
    const lock = parse(await readFile(template.replace('.yml', '.lock.yml'), 'utf8')) as ReadLock;
    const file = (path: string) => ({ path, digest: expect.any(String) as unknown, sizeBytes: expect.any(Number) as unknown });
    expect(lock.repositories.filter(({ suite }) => suite.endsWith('/'))).toMatchObject([
      {
        id: 'template-flat',
        suite: './',
        components: [],
        root: { path: 'InRelease' },
        signers: [key.fingerprint],
        indexes: [{ ...file('Packages.xz') }],
      },
      {
        id: 'template-libraries',
        suite: 'libraries/',
        components: [],
        root: { path: 'libraries/InRelease' },
        indexes: [{ ...file('libraries/Packages.xz') }],
      },
    ]);
    expect(JSON.stringify(lock.repositories.filter(({ suite }) => suite.endsWith('/')))).not.toContain('byHash');
    expect(
      lock.packages.filter(({ name }) => name.startsWith('flat-')).map(({ version, path, signer }) => [version, path, signer]),
    ).toEqual([
      ['1', 'libraries/flat-library_1_all.deb', key.fingerprint],
      ['2', 'flat-tool_2_all.deb', key.fingerprint],
    ]);
    const built = await mini.buildTemplate(template, places, ['--frozen']);
    expect(built.status, built.stderr).toBe(0);
    const disk = artifactOf(built, 'raw').path;
    expect(await askRoot(disk, 'cat /usr/bin/flat-tool')).toContain('# 2');
    expect(await askRoot(disk, 'cat /usr/lib/flat/library')).toContain('library');
    expect(server.requests.filter((request) => request.includes('by-hash'))).toEqual([]);
    expect(server.requests.filter((request) => request.startsWith('GET')).sort()).toEqual(
      [
        'InRelease',
        'Packages.xz',
        'flat-tool_2_all.deb',
        'libraries/InRelease',
        'libraries/Packages.xz',
        'libraries/flat-library_1_all.deb',
      ]
        .map((path) => `GET /${path} 200`)
        .sort(),
    );
  });

  it('gives its phased updates to everybody, and tells the percentage', async () => {
    const template = await templateWith(server.url);
    const locks = [];
    for (const at of [places, await mini.places()]) {
      expect((await ask('lock', template, at)).status).toBe(0);
      locks.push(await readFile(template.replace('.yml', '.lock.yml'), 'utf8'));
    }
    expect(locks[0]).toBe(locks[1]);
    const { packages } = JSON.parse((await ask('show', template, places, 'flat-tool')).stdout) as ShowDocument;
    expect(packages).toMatchObject([
      { version: '2', inImage: true, details: expect.arrayContaining([{ field: 'Phased-Update-Percentage', text: '0' }]) as unknown },
      { version: '1', inImage: false },
    ]);
  });

  it('that is given components is a mistake in the template', async () => {
    const { status, stderr } = await ask('lock', await templateWith(server.url, { component: 'main' }), places);
    expect([status, stderr]).toEqual([1, expect.stringContaining('repository "./" is flat and has no components')]);
  });
});

describe('the key of a repository', () => {
  /** The lines of a template that is given a repository, so that places in it are known. */
  const templateOf = (...lines: readonly string[]) =>
    mini.template(`${stringify(miniTemplate({ system: { packages: ['flat-library'] } }))}packageRepositories:\n${lines.join('\n')}\n`);
  const repositoryAt = (pkey: string, ...more: readonly string[]) => [
    '  - codename: libraries/',
    `    url: ${server.url}`,
    `    pkey: ${pkey}`,
    ...more.map((line) => `    ${line}`),
  ];
  const lineOf = async (template: string, text: string): Promise<number> =>
    (await readFile(template, 'utf8')).split('\n').findIndex((line) => line.includes(text)) + 1;
  interface Refusal {
    readonly error: {
      readonly code: string;
      readonly problems: readonly { readonly hint?: string; readonly position?: { readonly line: number } }[];
    };
  }
  const refused = ({ stdout }: IctResult): Refusal['error'] => {
    const last = stdout.trim().split('\n').at(-1) ?? '';
    return (JSON.parse(last) as Refusal).error;
  };
  let address: string;
  beforeAll(async () => {
    await writeFile(join(archive, 'key.gpg'), key.keyring);
    address = `${server.url}/key.gpg`;
  });

  it('is fetched from an address when it is pinned, and told with its fingerprint when not', async () => {
    const at = await mini.places();
    const open = await templateOf(...repositoryAt(address));
    const checked = await ict(['validate', open, ...mini.flags().slice(0, 2)]);
    expect([checked.status, checked.stderr]).toEqual([0, expect.stringContaining('warning ICT_REPOSITORY_KEY_UNPINNED')]);
    expect(checked.stderr).toContain(`${open}:${await lineOf(open, 'pkey:')}:`);
    const tried = await ask('lock', open, at);
    const { code, problems } = refused(tried);
    expect([tried.status, code, problems[0]?.position?.line]).toEqual([1, 'ICT_REPOSITORY_KEY_UNPINNED', await lineOf(open, 'pkey:')]);
    const line = /fingerprints: \[.*\]/.exec(problems[0]?.hint ?? '')?.[0] ?? '';
    expect(line).toBe(`fingerprints: ["${key.fingerprint}"]`);

    const pinned = await templateOf(...repositoryAt(address, line));
    expect((await ask('lock', pinned, at)).status).toBe(0);
    expect(await readFile(pinned.replace('.yml', '.lock.yml'), 'utf8')).toContain(key.fingerprint);
    // Kept: the same again without a network, and from nothing not.
    expect((await ask('lock', pinned, at, '--offline')).status).toBe(0);
    const nothing = refused(await ask('lock', pinned, await mini.places(), '--offline'));
    expect([nothing.code, JSON.stringify(nothing)]).toEqual(['ICT_FETCH_OFFLINE', expect.stringContaining('the key of repository')]);
    // What the lock says of who signed pins the key as well.
    await writeFile(pinned, (await readFile(pinned, 'utf8')).replace(line, ''));
    const warmed = await ict([
      'cache',
      'warm',
      pinned,
      ...mini.flags(),
      '--cache-dir',
      at.cache,
      '--work-dir',
      at.work,
      '--temp-dir',
      at.temporary,
    ]);
    expect(warmed.status, warmed.stderr).toBe(0);
  });

  it('is refused when another lies at its address than was pinned, or in its file', async () => {
    const foreign = await createSigningKey('Foreign archive');
    const fingerprints = `fingerprints: ["${foreign.fingerprint}"]`;
    for (const pkey of [address, keyring]) {
      const template = await templateOf(...repositoryAt(pkey, fingerprints));
      const result = await ask('lock', template, places);
      const { code, problems } = refused(result);
      expect([result.status, code]).toEqual([5, 'ICT_REPOSITORY_FINGERPRINT']);
      expect(problems[0]?.position?.line).toBe(await lineOf(template, 'pkey:'));
    }
  });

  it('signs one that lies in a directory as well', async () => {
    const template = await templateOf('  - codename: libraries/', `    path: ${archive}`, `    pkey: ${keyring}`);
    const result = await ask('lock', template, places);
    expect(result.status, result.stderr).toBe(0);
    expect(await readFile(template.replace('.yml', '.lock.yml'), 'utf8')).toContain(`archive: file://${archive}`);
  });
});

it('a lock of a directory beside its template fits wherever both lie', async () => {
  const lines = (await readFile(await templateWith(server.url), 'utf8')).replaceAll(server.url, './archive').replaceAll('url:', 'path:');
  const locks: string[] = [];
  for (const name of ['one-place', 'other-place']) {
    const directory = join(mini.root, name);
    await cp(archive, join(directory, 'archive'), { recursive: true });
    const template = join(directory, 'image.yml');
    await writeFile(template, lines);
    const [first] = locks;
    if (first !== undefined) await writeFile(join(directory, 'image.lock.yml'), first);
    const result = await ask('lock', template, places, ...(first === undefined ? [] : ['--frozen']));
    expect(result.status, result.stdout).toBe(0);
    locks.push(await readFile(join(directory, 'image.lock.yml'), 'utf8'));
  }
  expect(locks[0]).toContain('archive: ./archive\n');
  expect(locks[0]).not.toContain(mini.root);
});

describe('a flat repository that cannot be trusted is refused:', () => {
  /** Tries from nothing, from a copy of the archive that was changed. @returns the exit status, and what is wrong, each once. */
  async function refusal(name: string, change: (copy: string) => Promise<unknown>): Promise<readonly unknown[]> {
    const copy = join(mini.root, name);
    await cp(archive, copy, { recursive: true });
    await change(copy);
    const changed = await serveArchive(copy);
    try {
      const result = await mini.buildTemplate(await templateWith(changed.url), await mini.places());
      const failed = result.events.find((event) => event.type === 'build.failed');
      if (failed?.type !== 'build.failed') throw new Error(`the build did not fail: ${result.status} ${result.stderr}`);
      const { code, problems } = failed.error;
      return [result.status, ...new Set([code, ...problems.map((problem) => problem.code)])];
    } finally {
      await changed.close();
    }
  }

  it('it is not signed', async () => {
    expect(await refusal('unsigned', (copy) => rm(join(copy, 'InRelease')))).toEqual([5, 'ICT_DEB_RELEASE_UNSIGNED']);
  });

  it('a foreign key signed it', async () => {
    const foreign = await createSigningKey('Foreign archive');
    const change = async (copy: string) =>
      writeFile(join(copy, 'InRelease'), await foreign.clearsign(await readFile(join(copy, 'Release'), 'utf8')));
    expect(await refusal('foreign', change)).toEqual([5, 'ICT_DEB_RELEASE_UNKNOWN_KEY']);
  });

  it('its index is another than the one that was signed', async () => {
    const change = async (copy: string) => {
      const index = join(copy, 'Packages.xz');
      const bytes = await readFile(index);
      bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
      await writeFile(index, bytes);
    };
    expect(await refusal('index', change)).toEqual([5, 'ICT_DEB_INDEX_MISMATCH']);
  });

  it('a package is another than the one of its index', async () => {
    const change = (copy: string) => cp(join(copy, 'flat-tool_1_all.deb'), join(copy, 'flat-tool_2_all.deb'));
    expect(await refusal('package', change)).toEqual([5, 'ICT_PACKAGE_MISMATCH']);
  });
});
