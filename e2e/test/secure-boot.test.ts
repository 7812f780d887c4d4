import { createPrivateKey } from 'node:crypto';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { secureBootKeys, type SecureBootKeys } from '@ict/fixtures';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { artifactOf, filesWith, ict, Mini, sound, stepsOf, type BuildPlaces, type IctResult } from '../src/index.js';
import { partitionOffset } from '../src/disk.js';

const run = promisify(execFile);

let mini: Mini;
let keys: SecureBootKeys;
let others: SecureBootKeys;
let places: BuildPlaces;
let template: string;
let built: IctResult;
/** Where a build writes, and all that commands said. */
let directories: readonly string[];
let said = '';

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'secure-boot');
  places = await mini.places();
  keys = secureBootKeys(mini.root);
  others = secureBootKeys(mini.root, 'other');
  template = await signedBy(keys);
  const output = join(mini.root, 'output');
  await mkdir(output);
  directories = [places.cache, places.work, places.temporary, output];
  built = await sound(command(template, ['--verbose', '--log-file', join(output, 'ict.log'), '--output', join(output, 'image')]));
});
afterAll(() => mini.close());

/** A template with these files. */
function signedBy({ key, certificate, certificateDer }: SecureBootKeys): Promise<string> {
  const immutability = { secureBootDBKey: key, secureBootDBCrt: certificate, secureBootDBCer: certificateDer };
  return mini.template({ system: { kernel: { cmdline: 'console=ttyS0', packages: ['mini-kernel'], uki: true }, immutability } });
}

async function command(file: string, args: readonly string[] = []): Promise<IctResult> {
  const result = await mini.buildTemplate(file, places, args);
  said += result.stdout + result.stderr;
  return result;
}

const taken = async (path: string): Promise<string> => {
  const disk = artifactOf(built, 'raw').path;
  const file = join(mini.root, 'taken');
  await run('mcopy', ['-n', '-o', '-i', `${disk}@@${await partitionOffset(disk, 0)}`, `::${path}`, file]);
  return file;
};

it('all that the firmware starts is accepted with the certificate, which lies beside it, and refused with a byte changed', async () => {
  for (const path of ['/EFI/BOOT/BOOTX64.EFI', '/EFI/systemd/systemd-bootx64.efi', '/EFI/Linux/mini-6.12.1-mini.efi']) {
    const file = await taken(path);
    const verify = (): Promise<unknown> => run('sbverify', ['--cert', keys.certificate, file]);
    await verify();
    const bytes = await readFile(file);
    bytes[600]! ^= 1;
    await writeFile(file, bytes);
    await expect(verify()).rejects.toMatchObject({ code: 1 });
  }
  expect(await readFile(await taken('/loader/keys/db.cer'))).toEqual(await readFile(keys.certificateDer));
});

it('the same key elsewhere finds the image, another makes another disk of the same tree, and the first is found again', async () => {
  const moved = join(mini.root, 'moved.key');
  await copyFile(keys.key, moved);
  const same = await sound(command(await signedBy({ ...keys, key: moved })));
  expect(artifactOf(same, 'raw').digest).toBe(artifactOf(built, 'raw').digest);
  expect(stepsOf(same, 'step.miss')).toEqual([]);
  const other = await sound(command(await signedBy(others)));
  expect(artifactOf(other, 'raw').digest).not.toBe(artifactOf(built, 'raw').digest);
  expect([...stepsOf(other, 'step.miss')].sort()).toEqual(['disk.assemble', 'ict.image']);
  const again = await sound(command(template));
  expect(artifactOf(again, 'raw').digest).toBe(artifactOf(built, 'raw').digest);
});

it('what does not fit together is refused at its line, and nothing is built', async () => {
  const { status, stderr } = await command(await signedBy({ ...keys, key: others.key }));
  expect(status).toBe(1);
  expect(stderr).toMatch(/template\.yml:\d+:\d+/u);
  expect(stderr).toContain('secureBootDBKey is not the key of the certificate');
});

it('nothing of the private key is written or said anywhere', async () => {
  for (const asking of ['plan', 'validate', 'lock']) {
    const where =
      asking === 'validate' ? mini.flags().slice(0, 2) : ['--cache-dir', places.cache, '--work-dir', places.work, ...mini.flags()];
    const result = await ict([asking, template, '--json', ...where]);
    said += result.stdout + result.stderr;
    expect(result.status, asking + result.stderr).toBe(0);
  }
  const { d = '', p = '' } = createPrivateKey(await readFile(keys.key)).export({ format: 'jwk' });
  const ofKey = (await readFile(keys.key, 'utf8')).split('\n');
  // What follows the modulus, which the certificate has as well.
  const line = ofKey[12] as string;
  expect(line).toHaveLength(64);
  for (const secret of [Buffer.from(d, 'base64url'), Buffer.from(p, 'base64url'), line]) {
    expect(secret.length).toBeGreaterThan(60);
    expect(await filesWith(secret, directories)).toEqual([]);
  }
  expect(said).not.toContain(line);
  // That the certificate is found shows that the search finds.
  const found = await filesWith(await readFile(keys.certificateDer), directories);
  expect(found.some((path) => path.startsWith('.ict/blobs/'))).toBe(true);
});
