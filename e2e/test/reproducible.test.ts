import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, askRoot, build, copyRealTemplate, ict, Mini, realBuild, type IctOptions } from '../src/index.js';
import {
  asUser,
  knownUser,
  makeOrdinaryUser,
  placesOf,
  processesOf,
  removeOrdinaryUser,
  WITHOUT_USER_NAMESPACES,
  type OrdinaryUser,
} from '../src/ordinary-user.js';
import { installPublished, packageFaults, type Installation, type Tarball } from '../src/tarballs.js';

describe('packed, and installed from tarballs into an empty folder,', () => {
  const root = join(inject('run'), 'ordinary user');
  let tarballs: readonly Tarball[];
  let installation: Installation;
  let user: OrdinaryUser | undefined;

  beforeAll(async () => {
    ({ tarballs, installation } = await installPublished(inject('run')));
    user = await makeOrdinaryUser();
  });
  afterAll(async () => {
    if (user !== undefined) await removeOrdinaryUser(user.name);
  });

  /** The installed command for a user, with nothing of the clone on its path. */
  function installed(whose: OrdinaryUser, home: string): IctOptions {
    return {
      command: [...asUser(whose), ...installation.command],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, TZ: 'Pacific/Chatham', LC_ALL: 'tr_TR.UTF-8' },
      cwd: home,
      umask: '077',
    };
  }

  it('packages hold what they name and import, a licence, and nothing of the workshop', async () => {
    const faults = await Promise.all(tarballs.map((tarball) => packageFaults(tarball, installation)));
    expect(faults.flat()).toEqual([]);
    expect(tarballs.map(({ name }) => name)).toEqual(expect.arrayContaining(['@ict/cli', '@ict/core', '@ict/plugin-api']));
  });

  it.each(['template', 'config', 'distro', 'event', 'manifest', 'lock', 'plan'])('the command finds the schema of %s', async (name) => {
    const { status, stdout, stderr } = await ict(['schema', name], { command: installation.command });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty('$schema');
  });

  it('the command brings the templates that it lists, and the pages that its errors name', async () => {
    const listed = await ict(['templates', '--json'], { command: installation.command });
    const { templates } = JSON.parse(listed.stdout) as { readonly templates: readonly { readonly file: string }[] };
    expect(templates.length).toBeGreaterThan(0);
    for (const { file } of templates) expect(await readFile(file, 'utf8')).toContain('image:');
    const { stderr } = await ict(['validate', 'nowhere.yml'], { command: installation.command });
    expect(await readFile(/more: (.*)/.exec(stderr)?.[1] ?? '', 'utf8')).toMatch(/^# ICT_TEMPLATE_UNREADABLE/);
  });

  it('the command builds the same image from the same lock, for an ordinary user, at another place, time zone and umask', async () => {
    const real = await realBuild(inject('run'));
    const places = await placesOf(user as OrdinaryUser, join(root, 'a long/er path'));
    const template = await copyRealTemplate(join(root, 'templates'));
    const lock = join(root, 'the lock.yml');
    await copyFile(real.lock, lock);
    const result = await build(template, places, ['--lock', lock], installed(user as OrdinaryUser, places.temporary));
    expect(result.status, result.stderr.slice(-4000)).toBe(0);
    expect(artifactOf(result, 'raw').digest).toBe(real.raw.digest);
    expect(artifactOf(result, 'qcow2').digest).toBe(real.qcow2.digest);
    expect(artifactOf(result, 'raw').path.startsWith(places.work)).toBe(true);
    expect(await processesOf(user as OrdinaryUser)).toEqual([]);

    // By what the images hold, in two forms of the disk, down to the times of files.
    const compared = await ict(['compare', real.raw.path, artifactOf(result, 'qcow2').path, '--times', '--json', '--exit-code']);
    expect([compared.status, compared.stderr]).toEqual([0, '']);
    const { equal, compared: partitions } = JSON.parse(compared.stdout) as {
      readonly equal: boolean;
      readonly compared: readonly number[];
    };
    expect([equal, partitions]).toEqual([true, [1, 2]]);
  });

  it('the command tells a user without subordinate ids what to enable', async () => {
    const nobody = await knownUser('nobody');
    const places = await placesOf(nobody, join(root, 'nobody'));
    const template = await copyRealTemplate(join(root, 'templates'));
    const result = await build(template, places, [], installed(nobody, places.temporary));
    expect(result.status).toBe(7);
    expect(result.stderr).toContain('ICT_HOST_UNFIT  subordinate ids: ');
    expect(result.stderr).toMatch(/sudo usermod --add-subuids \d+-\d+ --add-subgids \d+-\d+ nobody/);
    expect(result.events.filter(({ type }) => type.startsWith('fetch.'))).toEqual([]);
  });

  it('the command tells a user of a machine without user namespaces what to enable, and leaves nothing running', async () => {
    const places = await placesOf(user as OrdinaryUser, join(root, 'forbidden'));
    const template = await copyRealTemplate(join(root, 'templates'));
    const options = installed(user as OrdinaryUser, places.temporary);
    const command = [...asUser(user as OrdinaryUser), ...WITHOUT_USER_NAMESPACES, ...installation.command];
    const result = await build(template, places, [], { ...options, command });
    expect(result.status).toBe(7);
    expect(result.stderr).toContain('ICT_HOST_UNFIT  user namespaces: ');
    expect(result.stderr).toContain('sudo sysctl -w user.max_user_namespaces=15000');
    expect(result.events.filter(({ type }) => type.startsWith('fetch.'))).toEqual([]);
    expect(await processesOf(user as OrdinaryUser)).toEqual([]);
  });
});

describe('the same packages give the same image', () => {
  it('with the same ids of users, whatever the order in which a template lists them, and whether the base tree was built or reused', async () => {
    const mini = await Mini.start(inject('run'), 'order');
    try {
      const packages = ['mini-service', 'mini-daemon', 'mini-library', 'mini-monitor', 'libudev1'];
      const used = await mini.places();
      const template = await mini.template({ system: { packages } });
      const forward = await mini.buildTemplate(template, await mini.places());
      const backward = await mini.buildTemplate(
        await mini.template({ system: { packages: [...packages].reverse() } }),
        await mini.places(),
      );
      expect(artifactOf(backward, 'raw').digest).toBe(artifactOf(forward, 'raw').digest);
      const disk = artifactOf(forward, 'raw').path;
      const users = [...(await askRoot(disk, 'cat /etc/passwd')).matchAll(/^(\S+?):x:(\d+)/gm)].map(([, name, id]) => `${name} ${id}`);
      expect(users).toEqual(['root 0', 'mini-daemon 901', 'mini-monitor 902']);
      expect(await askRoot(disk, 'cat /etc/mini-daemon')).toBe('refused with 101\n');
      expect(await askRoot(disk, 'ls /usr/sbin')).not.toContain('policy-rc.d');

      const other = await mini.buildTemplate(await mini.template({ system: { packages: packages.slice(0, 1) } }), used);
      expect(artifactOf(other, 'raw').digest).not.toBe(artifactOf(forward, 'raw').digest);
      const reused = await mini.buildTemplate(template, used);
      expect(artifactOf(reused, 'raw').digest).toBe(artifactOf(forward, 'raw').digest);
      const hits = reused.events.filter((event) => event.type === 'step.hit').map((event) => 'step' in event && event.step);
      expect(hits).toContain('ict.base');
    } finally {
      await mini.close();
    }
  });
});
