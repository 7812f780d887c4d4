import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '@ict/template';
import { keyId, readPublicKey, readSigningKey } from '@ict/remote-cache';
import { expect, it } from 'vitest';
import { ict, temporaryDirectory } from './fixture.js';

const keygen = (cwd: string, ...argv: readonly string[]) => ict(['cache', 'keygen', ...argv], { cwd });

it('ict cache keygen writes both halves of a key, the private one for its owner alone', async () => {
  const cwd = await temporaryDirectory();
  const { status, stdout, options } = await keygen(cwd, 'ci.key', '--json');
  const [file, publicFile] = [join(cwd, 'ci.key'), join(cwd, 'ci.key.pub')];
  const [pem, publicPem] = await Promise.all([file, publicFile].map((one) => readFile(one, 'utf8')));
  const key = readPublicKey(publicPem as string, publicFile);
  expect([status, JSON.parse(stdout.text)]).toEqual([0, { file, publicFile, keyId: keyId(key) }]);
  expect(keyId(readSigningKey(pem as string, file))).toBe(keyId(key));
  expect(createPublicKey(createPrivateKey(pem as string)).equals(key)).toBe(true);
  expect([(await stat(file)).mode & 0o777, (await stat(publicFile)).mode & 0o777]).toEqual([0o600, 0o644]);
  expect(options).toBeUndefined();
  await keygen(cwd, 'other.key');
  expect(await readFile(join(cwd, 'other.key'), 'utf8')).not.toBe(pem);
});

it.each(['ci.key', 'a "b" # c.key'])('ict cache keygen says what to write into configurations, for %s', async (name) => {
  const cwd = await temporaryDirectory();
  const { stdout } = await keygen(cwd, name);
  const file = join(cwd, name);
  const said = stdout.text.split(/^Configuration .*$/m).slice(1);
  await Promise.all(said.map((text, index) => writeFile(join(cwd, `${index}.yml`), text)));
  const read = await Promise.all(said.map((_, index) => loadConfig({ env: {}, cwd, home: cwd, file: `${index}.yml` })));
  expect(read.map(({ problems }) => problems)).toEqual([[], []]);
  expect(read.map(({ config }) => config?.remoteCache)).toMatchObject([
    { upload: { signingKey: file } },
    { urls: [expect.any(String)], trustedKeys: [`${file}.pub`] },
  ]);
  expect(stdout.text).not.toContain('PRIVATE KEY');
});

it.each(['ci.key', 'ci.key.pub'])('ict cache keygen replaces nothing: not %s', async (name) => {
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, name), 'old');
  const { status, stderr } = await keygen(cwd, 'ci.key');
  expect([status, stderr.text]).toEqual([2, expect.stringContaining('ICT_CLI_FILE_EXISTS') as string]);
  expect(await readdir(cwd)).toEqual([name]);
  expect(await readFile(join(cwd, name), 'utf8')).toBe('old');
});

it('ict cache keygen makes the directory', async () => {
  const cwd = await temporaryDirectory();
  expect((await keygen(cwd, 'new/one/ci.key')).status).toBe(0);
  expect((await readdir(join(cwd, 'new/one'))).sort()).toEqual(['ci.key', 'ci.key.pub']);
});

it.each([
  ['plain/ci.key', 'ICT_CLI_FILE_UNWRITABLE'],
  ['there', 'ICT_CLI_FILE_EXISTS'],
  ['ci.pub', 'ICT_CLI_USAGE'],
])('ict cache keygen %s is a mistake', async (name, code) => {
  const cwd = await temporaryDirectory();
  await mkdir(join(cwd, 'there'));
  await writeFile(join(cwd, 'plain'), '');
  const { status, stdout } = await keygen(cwd, name, '--json');
  expect([status, JSON.parse(stdout.text)]).toMatchObject([2, { error: { code } }]);
  expect((await readdir(cwd)).sort()).toEqual(['plain', 'there']);
});
