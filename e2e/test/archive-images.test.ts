import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, ict, Mini, repositoryRoot, sound, stepsOf, type BuildPlaces, type IctResult } from '../src/index.js';
import { asUser, makeOrdinaryUser, placesOf, removeOrdinaryUser } from '../src/ordinary-user.js';

const run = promisify(execFile);

let mini: Mini;
let places: BuildPlaces;
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'archive-images');
  places = await mini.places();
});
afterAll(() => mini.close());

const INIT = { configurations: [{ cmd: 'ln -s /bin/sh /usr/sbin/init' }] };

/** A template of the miniature for an initrd. */
function initrdTemplate(artifacts: readonly object[] = [], system: object = INIT): Promise<string> {
  const kernel = { cmdline: 'console=ttyS0', packages: ['mini-kernel'] };
  return mini.template({ target: { imageType: 'img' }, disk: { partitions: [], artifacts }, system: { kernel, ...system } });
}

async function documentOf(argv: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse((await sound(ict([...argv, '--json']))).stdout) as Record<string, unknown>;
}

const fileNames = (result: IctResult): readonly string[] =>
  result.events.flatMap((event) => (event.type === 'artifact.written' ? [basename(event.artifact.path)] : []));

describe('an initrd', () => {
  let template: string;
  let built: IctResult;
  beforeAll(async () => {
    template = await initrdTemplate();
    built = await sound(mini.buildTemplate(template, places));
  });

  it('is the whole tree, with its kernel and the command line beside it', async () => {
    expect(fileNames(built)).toEqual(['mini-1.0.cpio.gz', 'mini-1.0.vmlinuz', 'mini-1.0.cmdline']);
    const tree = join(mini.root, 'unpacked');
    await mkdir(tree);
    // As a file: cpio reads no further than the end mark, and so would break a pipe.
    const archive = join(mini.root, 'unpacked.cpio');
    await pipeline(createReadStream(artifactOf(built, 'cpio').path), createGunzip(), createWriteStream(archive));
    await run('cpio', ['--extract', '--make-directories', '--quiet', '--file', archive], { cwd: tree });
    expect(await readlink(join(tree, 'init'))).toBe('sbin/init');
    expect(await readFile(join(tree, 'etc/hostname'), 'utf8')).toBe('mini\n');
    expect(await readFile(join(tree, 'etc/fstab'), 'utf8')).not.toMatch(/^[^#]/m);
    expect((await stat(join(tree, 'usr/bin/dash'))).mode & 0o7777).toBe(0o755);
    const kernel = await readFile(artifactOf(built, 'vmlinuz').path);
    expect(kernel.equals(await readFile(join(tree, 'boot/vmlinuz-6.12.1-mini')))).toBe(true);
    expect(await readFile(artifactOf(built, 'cmdline').path, 'utf8')).toBe('console=ttyS0\n');
    const manifest = JSON.parse(await readFile(join(artifactOf(built, 'cpio').path, '..', 'mini-1.0.manifest.json'), 'utf8')) as {
      artifacts: { name: string }[];
    };
    expect(manifest.artifacts.map(({ name }) => name).sort()).toEqual([...fileNames(built)].sort());
  });

  it('has no initrd in its tree, and asks for no program of the tools tree', () => {
    const steps = stepsOf(built, 'step.miss');
    expect(steps).not.toContain('ict.initrd');
    expect(steps).toEqual(expect.arrayContaining(['initrd.kernel', 'initrd.assemble', 'initrd.compress']));
  });

  it('comes from the image cache the second time', async () => {
    const again = await sound(mini.buildTemplate(template, places));
    expect(artifactOf(again, 'cpio').digest).toBe(artifactOf(built, 'cpio').digest);
    expect(stepsOf(again, 'step.hit')).toEqual(['ict.image']);
  });

  it('is only compressed anew for another artifact', async () => {
    const artifacts = [{ type: 'cpio' }, { type: 'cpio', compression: 'zstd' }];
    const other = await sound(mini.buildTemplate(await initrdTemplate(artifacts), places));
    expect(fileNames(other)).toEqual(['mini-1.0.cpio', 'mini-1.0.cpio.zst', 'mini-1.0.vmlinuz', 'mini-1.0.cmdline']);
    expect(stepsOf(other, 'step.miss').filter((step) => step.startsWith('initrd.'))).toEqual(['initrd.compress']);
  });

  it('is the same for an ordinary user in other directories', async () => {
    const user = await makeOrdinaryUser();
    try {
      const own = await placesOf(user, join(mini.root, 'other places'));
      const command = [...asUser(user), join(repositoryRoot, 'node_modules', '.bin', 'ict')];
      const env = { HOME: own.temporary, TZ: 'Pacific/Chatham' };
      const other = await sound(mini.buildTemplate(template, own, [], { command, env, umask: '077' }));
      for (const type of ['cpio', 'vmlinuz', 'cmdline']) expect(artifactOf(other, type).digest).toBe(artifactOf(built, type).digest);
    } finally {
      await removeOrdinaryUser(user.name);
    }
  });

  it('is refused without an init, and without a kernel', async () => {
    const kernel = { cmdline: '', packages: [] };
    for (const [system, names] of [
      [{}, 'has no init: /sbin/init is not a file of its tree'],
      [{ ...INIT, kernel }, 'has no kernel: nothing in its tree matches /boot/vmlinuz-*'],
    ] as const) {
      const { status, stderr } = await mini.buildTemplate(await initrdTemplate([], system), places);
      expect([status, stderr]).toEqual([1, expect.stringContaining('ICT_IMAGE_BOOT_FILES')]);
      expect(stderr).toContain(names);
    }
  });

  it('is refused as a disk, with the line that says so', async () => {
    const file = await initrdTemplate([{ type: 'qcow2' }]);
    const { status, stderr } = await ict(['validate', file, '--distro-file', mini.distribution.definition]);
    expect(status).toBe(1);
    const line = (await readFile(file, 'utf8')).split('\n').findIndex((text) => text.includes('type: qcow2')) + 1;
    expect(stderr).toContain('an initrd has no artifact of type qcow2');
    expect(stderr).toContain(`template.yml:${line}:`);
  });
});

describe('an ISO image', () => {
  const isoTemplate = (disk: object = {}, system: object = INIT): Promise<string> =>
    mini.template({
      target: { imageType: 'iso' },
      disk: { size: undefined, partitionTableType: undefined, partitions: [], artifacts: [], ...disk },
      system: { kernel: { cmdline: 'console=ttyS0', packages: ['mini-kernel'] }, ...system },
    });

  it('starts the kernel and the tree, which it has from the same steps as an initrd, the same in other directories', async () => {
    const template = await isoTemplate();
    const built = await sound(mini.buildTemplate(template, places));
    expect(fileNames(built)).toEqual(['mini-1.0.iso']);
    expect(stepsOf(built, 'step.miss')).not.toContain('ict.initrd');
    const image = artifactOf(built, 'iso');
    const tree = join(mini.root, 'disc');
    await run('xorriso', ['-osirrox', 'on', '-abort_on', 'WARNING', '-indev', image.path, '-extract', '/', tree]);
    expect(await readFile(join(tree, 'EFI/BOOT/BOOTX64.EFI'), 'utf8')).toMatch(/^MZ[^]*loader loader /);
    expect(await readFile(join(tree, 'LIVE/VMLINUZ'), 'utf8')).toMatch(/^kernel /);
    expect(await readFile(join(tree, 'LOADER/ENTRIES/LIVE.CONF'), 'utf8')).toContain('options console=ttyS0\n');
    const archive = gunzipSync(await readFile(join(tree, 'LIVE/INITRD.IMG')));
    const file = join(mini.root, 'disc.cpio');
    await writeFile(file, archive);
    const { stdout: names } = await run('cpio', ['--list', '--quiet', '--file', file], { maxBuffer: 64 * 1024 * 1024 });
    expect(names.split('\n')).toEqual(expect.arrayContaining(['init', 'etc/hostname', 'boot/vmlinuz-6.12.1-mini']));
    const { stdout: boot } = await run('xorriso', ['-indev', image.path, '-report_el_torito', 'plain']);
    expect(boot).toMatch(/El Torito boot img : +1 +UEFI/);
    const other = await sound(mini.buildTemplate(template, await mini.places()));
    expect(artifactOf(other, 'iso').digest).toBe(image.digest);
  });

  it('is compared with another by the files of its initrd, as initrds are, and says which system it holds', async () => {
    const configurations = [...INIT.configurations, { cmd: 'echo other > /etc/motd' }];
    const kept = async (template: string, type: string, name: string): Promise<string> => {
      await copyFile(artifactOf(await sound(mini.buildTemplate(template, places)), type).path, join(mini.root, name));
      return join(mini.root, name);
    };
    const one = await kept(await isoTemplate(), 'iso', 'one.iso');
    const other = await kept(await isoTemplate({}, { configurations }), 'iso', 'other.iso');
    const { files } = await documentOf(['compare', one, other]);
    expect(files).toContainEqual({ partition: 1, path: '/live/initrd.img/etc/motd', change: 'added', aspects: [] });
    const { partitions, system } = await documentOf(['inspect', one]);
    expect([partitions, system]).toMatchObject([[{ number: 1, filesystem: { type: 'vfat' } }], { id: 'mini', hostname: 'mini' }]);
    const initrd = await kept(await initrdTemplate(), 'cpio', 'one.cpio.gz');
    const recompressed = await kept(await initrdTemplate([{ type: 'cpio', compression: 'zstd' }]), 'cpio', 'other.cpio.zst');
    expect(await documentOf(['compare', initrd, recompressed, '--times'])).toMatchObject({ compared: [0], files: [] });
    expect(await documentOf(['inspect', initrd])).toMatchObject({ system: { id: 'mini', hostname: 'mini' } });
  });

  it('is no installer: that is refused with the line that asks for one', async () => {
    const file = await isoTemplate({ path: '/dev/sda' });
    const { status, stderr } = await ict(['validate', '--strict', file, '--distro-file', mini.distribution.definition]);
    expect(status).toBe(1);
    const line = (await readFile(file, 'utf8')).split('\n').findIndex((text) => text.includes('path: /dev/sda')) + 1;
    expect(stderr).toContain('installing from an ISO image (disk.path) is not supported yet');
    expect(stderr).toContain(`template.yml:${line}:`);
  });
});

describe('a wsl2 image', () => {
  it('is the whole tree as a tar archive, the same in other directories', async () => {
    const target = { imageType: 'wsl2' };
    const disk = { partitions: [], artifacts: [{ type: 'tar', compression: 'gz' }] };
    const template = await mini.template({ target, disk, system: { ...INIT, kernel: undefined } });
    const built = await sound(mini.buildTemplate(template, places));
    expect(fileNames(built)).toEqual(['mini-1.0.tar.gz']);
    expect(stepsOf(built, 'step.miss')).not.toContain('ict.initrd');
    const tree = join(mini.root, 'unpacked-wsl');
    await mkdir(tree);
    const archive = artifactOf(built, 'tar');
    await run('tar', ['--extract', '--gzip', '--same-permissions', '--file', archive.path, '-C', tree]);
    expect(await readFile(join(tree, 'etc/hostname'), 'utf8')).toBe('mini\n');
    await expect(stat(join(tree, 'etc/wsl.conf'))).rejects.toMatchObject({ code: 'ENOENT' });
    const other = await sound(mini.buildTemplate(template, await mini.places()));
    expect(artifactOf(other, 'tar').digest).toBe(archive.digest);
  });
});
