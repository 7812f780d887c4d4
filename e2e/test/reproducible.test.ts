import { execFile } from 'node:child_process';
import { appendFile, chown, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, build, copyRealTemplate, Mini, processesNaming, realBuild, repositoryRoot, type BuildPlaces } from '../src/index.js';

const run = promisify(execFile);

/** An ordinary user of the test machine, made for the run and removed after it. */
const USER = 'ict-e2e';

let uid: number;
let gid: number;

beforeAll(async () => {
  expect(userInfo().uid, 'these tests make a user, and so need root').toBe(0);
  await run('useradd', ['--system', '--no-create-home', '--shell', '/bin/sh', USER]);
  const ids = await run('id', ['-u', USER]);
  uid = Number(ids.stdout);
  gid = Number((await run('id', ['-g', USER])).stdout);
  const range = `${USER}:2000000:65536\n`;
  await appendFile('/etc/subuid', range);
  await appendFile('/etc/subgid', range);
});
afterAll(async () => {
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      text
        .split('\n')
        .filter((line) => !line.startsWith(`${USER}:`))
        .join('\n'),
    );
  }
  await run('userdel', [USER]);
});

/** Argv that runs the rest as the ordinary user. */
function asUser(): readonly string[] {
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--'];
}

async function ownPlaces(root: string): Promise<BuildPlaces> {
  const places = { cache: join(root, 'c'), work: join(root, 'w'), temporary: join(root, 't') };
  for (const directory of [root, ...Object.values(places)]) {
    await mkdir(directory, { recursive: true });
    await chown(directory, uid, gid);
  }
  return places;
}

/** Packs every package that gets published, and installs the tarballs into an empty folder with a Node of its own. */
async function installFromTarballs(directory: string): Promise<string> {
  const packed = join(directory, 'packed');
  const installed = join(directory, 'installed');
  await mkdir(packed, { recursive: true });
  await mkdir(installed, { recursive: true });
  const workspaces = (await run('npm', ['query', '.workspace'], { cwd: repositoryRoot, maxBuffer: 64 * 1024 ** 2 })).stdout;
  const published = (JSON.parse(workspaces) as { location: string; private?: boolean }[]).filter((workspace) => workspace.private !== true);
  const tarballs: string[] = [];
  for (const { location } of published) {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', packed], { cwd: join(repositoryRoot, location) });
    const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as { filename: string }[];
    tarballs.push(join(packed, filename));
  }
  await writeFile(join(installed, 'package.json'), '{ "name": "empty-folder", "private": true }\n');
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs], { cwd: installed, maxBuffer: 64 * 1024 ** 2 });
  await copyFile(process.execPath, join(installed, 'node'));
  await symlink('node', join(installed, 'nodejs'));
  return installed;
}

describe('the same lock gives the same image', () => {
  it('from tarballs in an empty folder, for an ordinary user, at another place, time zone and umask', async () => {
    const real = await realBuild(inject('run'));
    const root = join(inject('run'), 'ordinary user');
    const installed = await installFromTarballs(root);
    const places = await ownPlaces(join(root, 'a long/er path'));
    const template = await copyRealTemplate(join(root, 'templates'));
    const result = await build(template, places, ['--lock', real.lock], {
      command: [...asUser(), join(installed, 'node'), join(installed, 'node_modules', '.bin', 'ict')],
      env: { TZ: 'Asia/Tokyo', LC_ALL: 'C', HOME: places.temporary, XDG_CACHE_HOME: places.cache },
      cwd: places.temporary,
      umask: '077',
    });
    expect(result.status, result.stderr.slice(-4000)).toBe(0);
    expect(artifactOf(result, 'raw').digest).toBe(real.raw.digest);
    expect(artifactOf(result, 'qcow2').digest).toBe(real.qcow2.digest);
    expect(await processesNaming(places.cache)).toEqual([]);
    expect(dirname(artifactOf(result, 'raw').path)).toContain(places.work);
  });

  it('whatever the order in which a template lists its packages, and whether its base tree was built or reused', async () => {
    const mini = await Mini.start(inject('run'), 'order');
    try {
      const packages = ['mini-service', 'mini-library', 'libudev1'];
      const first = await mini.places();
      const forward = await mini.buildTemplate(await mini.template({ system: { packages } }), first);
      const backward = await mini.buildTemplate(
        await mini.template({ system: { packages: [...packages].reverse() } }),
        await mini.places(),
      );
      expect(artifactOf(backward, 'raw').digest).toBe(artifactOf(forward, 'raw').digest);
      await mini.build(first);
      const reused = await mini.buildTemplate(
        await mini.template({ system: { packages: packages.slice(1), description: 'other' } }),
        first,
      );
      expect(reused.status, reused.stderr).toBe(0);
      const hits = reused.events.filter((event) => event.type === 'step.hit').map((event) => 'step' in event && event.step);
      expect(hits).toContain('ict.base');
    } finally {
      await mini.close();
    }
  });
});
