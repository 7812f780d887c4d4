import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { serveArchive, type ArchiveServer } from '@ict/fixtures';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  ACME_ARCHIVE,
  artifactOf,
  askRoot,
  build,
  createAcmeDistribution,
  ict,
  makePlaces,
  realBuild,
  realPackages,
  repositoryRoot,
  type AcmeDistribution,
  type BuildPlaces,
  type IctResult,
  type TarballPublisher,
} from '../src/index.js';
import { installPublished } from '../src/tarballs.js';

const run = promisify(execFile);

/** The toy provider of `docs/write-a-provider.md`, beside packages as npm installs them: nothing of this workspace is in reach. */
describe('a provider of a third party, outside of the workspace,', () => {
  let plugin: string;
  let command: readonly string[];
  let distribution: AcmeDistribution;
  let server: ArchiveServer | undefined;
  let places: BuildPlaces;

  beforeAll(async () => {
    const { installation } = await installPublished(inject('run'));
    plugin = join(installation.directory, 'ict-tarballs');
    command = installation.command;
    await cp(join(repositoryRoot, 'e2e', 'third-party', 'ict-tarballs'), plugin, {
      recursive: true,
      filter: (path) => !/\/(?:dist|node_modules)$/.test(path),
    });
    await writeFile(join(installation.directory, 'ict.yml'), 'plugins: [./ict-tarballs]\n');
  });
  afterAll(() => server?.close());

  function buildAcme(where: BuildPlaces): Promise<IctResult> {
    const { template, keyring } = distribution;
    const args = ['--config', join(plugin, '..', 'ict.yml'), '--keyring', keyring, '--mirror', `${ACME_ARCHIVE}=${server?.url}`];
    return build(template, where, args, { command });
  }

  it('compiles against the types that are published', async () => {
    const tsc = join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc');
    const types = join(repositoryRoot, 'node_modules', '@types');
    const compiled = await run(process.execPath, [tsc, '--project', plugin, '--typeRoots', types]);
    expect(compiled.stdout).toBe('');
  });

  it('passes the conformance suite with a test runner of its own', async () => {
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', join(plugin, 'test', 'conformance.test.ts')], {
      env: { PATH: process.env['PATH'] },
    });
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(30);
  });

  it('builds an image through `plugins:`', async () => {
    const publisher = (await import(pathToFileURL(join(plugin, 'dist', 'publish.js')).href)) as TarballPublisher;
    const root = join(inject('run'), 'third-party');
    distribution = await createAcmeDistribution(realPackages(await realBuild(inject('run'))), root, publisher);
    server = await serveArchive(distribution.archive);
    places = await makePlaces(join(root, 'places'));
    const result = await buildAcme(places);
    expect(result.status, result.stderr).toBe(0);
    expect(result.events.filter((event) => event.type === 'repository.pinned')).toMatchObject([{ signers: [distribution.fingerprint] }]);

    const { path, digest } = artifactOf(result, 'raw');
    const manifest = JSON.parse(await readFile(path.replace(/raw$/, 'manifest.json'), 'utf8')) as { packages: { name: string }[] };
    expect(manifest.packages.map(({ name }) => name).sort()).toEqual(['base', 'kernel', 'loader', 'service', 'service-library']);
    expect(await askRoot(path, 'cat /etc/acme')).toBe('configured\n');
    expect(await askRoot(path, 'cat /usr/lib/service/library')).toBe('library\n');

    const again = await buildAcme(places);
    expect(artifactOf(again, 'raw').digest).toBe(digest);
    expect(again.events.filter(({ type }) => type === 'step.miss' || type === 'package.stored')).toEqual([]);
    const elsewhere = await buildAcme(await makePlaces(join(root, 'elsewhere')));
    expect(artifactOf(elsewhere, 'raw').digest).toBe(digest);
  });

  it.each([
    ['ends the process', 'process.exit(0);', 9, 'ICT_CLI_EXITED'],
    ['throws where nobody waits for it', "void Promise.reject(new Error('aside'));", 9, 'ICT_INTERNAL  aside'],
    ['leaves something open', 'setInterval(() => undefined, 1_000);', 0, 'something is left open (Timeout)'],
  ])('tells a script how a command ended, and ends it, when code of a plugin %s', async (_what, code, status, told) => {
    const odd = join(plugin, '..', 'odd');
    await mkdir(odd, { recursive: true });
    const manifest = { apiVersion: 1, plugin: './plugin.js', exporters: ['odd'] };
    await writeFile(join(odd, 'package.json'), JSON.stringify({ name: 'odd', version: '1.0.0', type: 'module', ict: manifest }));
    const exporter = "{ name: 'odd', extension: 'odd', export: () => new Uint8Array() }";
    await writeFile(join(odd, 'plugin.js'), `${code}\nexport default { apiVersion: 1, exporters: [${exporter}] };\n`);
    const config = join(odd, 'ict.yml');
    await writeFile(config, 'plugins: [., ../ict-tarballs]\n');
    const flags = ['--config', config, '--keyring', distribution.keyring, '--mirror', `${ACME_ARCHIVE}=${server?.url}`];
    const result = await ict(['plan', distribution.template, '--cache-dir', places.cache, ...flags], { command });
    expect([result.status, result.signal], result.stderr).toEqual([status, null]);
    expect(result.stderr).toContain(told);
  });
});
