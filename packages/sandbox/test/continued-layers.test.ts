import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changedPaths, startSandbox, type LayerManifest, type Sandbox } from '../src/index.js';
import { makeBase, makeHostTree } from './host-tree.js';

const EPOCH = 1_000_000_000;
const base = makeBase();
const low = join(base, 'low');
const first = join(base, 'first');
const { signal } = new AbortController();
let sandbox: Sandbox;
let known: LayerManifest;

async function change(name: string, script: string): Promise<void> {
  const upper = { directory: join(base, name), work: join(base, `${name}.work`) };
  const tree = await sandbox.openTree({ lowers: [low], upper, epochSeconds: EPOCH, signal });
  await tree.run({ argv: ['/bin/sh', '-c', `set -e; cd /d; ${script}`], env: { PATH: '/usr/bin:/bin' } });
  await tree.close();
}

const FIRST = `for f in same grown rewritten moded owned dated moved gone replaced; do echo $f > $f; touch -d @5 $f; done
echo links > link1; ln link1 link2; ln link1 link3; echo pair > pair1; ln pair1 pair2
mkdir kept emptied renamed; echo x > kept/x; echo x > emptied/x; ln -s one symlink; rm /d/below
echo far > renamed/far1; ln renamed/far1 far2; echo near > renamed/near1; ln renamed/near1 renamed/near2`;

beforeAll(async () => {
  makeHostTree(low);
  sandbox = await startSandbox({ signal, temporary: base });
  const upper = { directory: low, work: join(base, 'low.work') };
  const tree = await sandbox.openTree({ lowers: [], upper, epochSeconds: EPOCH, signal });
  for (const name of ['below', 'lower']) await tree.write(`/d/${name}`, name);
  await tree.close();
  await change('first', FIRST);
  known = await sandbox.sealLayer(first, { epochSeconds: EPOCH });
});

afterAll(async () => {
  const directories = readdirSync(base, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('sandbox-'),
  );
  for (const { name } of directories) await sandbox.removeTree(join(base, name));
  await sandbox.close();
  rmSync(base, { recursive: true });
});

it.each([
  ['nothing', ':'],
  ['content', 'echo more >> grown; printf REWRITTEN\\\\n > rewritten; touch -d @5 rewritten'],
  ['attributes', 'chmod 600 moded; chown 33:44 owned; touch -d @6.5 dated; touch -h -d @7 symlink; chmod 700 kept'],
  ['names', 'perl -e "rename q(moved), q(moved-away) or die"; rm -r emptied/x; perl -e "rename q(pair2), q(pair3) or die"'],
  ['a directory with some names of files', 'perl -e "rename q(renamed), q(another) or die"'],
  ['links', 'rm link2; ln link1 link4; ln same same-too'],
  ['deletions', 'rm gone lower; rm replaced; mkdir replaced; echo y > replaced/y; rm -r kept; mkdir kept; echo z > kept/z'],
  ['what is new', 'mkfifo fifo; mkdir -p new/deep; echo n > new/deep/n; echo odd > "odd\nname"'],
])('tells of %s in a continued layer what a whole read does', async (what, script) => {
  const name = `continued ${what}`;
  await sandbox.copyLayer(first, join(base, name), { manifest: known });
  await change(name, script);
  const { contents, ...sealed } = await sandbox.sealLayer(join(base, name), { epochSeconds: EPOCH });
  expect(await sandbox.statLayer(join(base, name), contents)).toEqual(await sandbox.statLayer(join(base, name)));
  const whole = await sandbox.readLayer(join(base, name));
  expect(sealed).toEqual(whole);
  expect(changedPaths(known.entries, sealed.entries).length > 0).toBe(what !== 'nothing');
});

/** A manifest that says something else of two files than what they hold. */
function wrong(): LayerManifest {
  const digest = digestOf('something else');
  return { ...known, entries: known.entries.map((entry) => (/\/(same|grown)$/.test(entry.path) ? { ...entry, digest } : entry)) };
}

it('does not read again what did not change', async () => {
  await sandbox.copyLayer(first, join(base, 'unread'), { manifest: wrong() });
  await change('unread', 'echo more >> grown');
  const { entries } = await sandbox.sealLayer(join(base, 'unread'), { epochSeconds: EPOCH });
  const digest = (path: string) => entries.find((entry) => entry.path === path)?.digest;
  expect(digest('/d/same')).toBe(digestOf('something else'));
  expect(digest('/d/grown')).toBe(digestOf('grown\nmore\n'));
});

it.each([
  ['without a manifest', undefined, {}],
  ['for an archive', wrong, { archive: join(base, 'archive.tar.gz') }],
])('reads everything %s', async (what, manifest, options) => {
  const directory = join(base, what);
  await sandbox.copyLayer(first, directory, manifest === undefined ? {} : { manifest: manifest() });
  expect((await sandbox.sealLayer(directory, { epochSeconds: EPOCH, ...options })).digest).toBe(known.digest);
});

it('reads everything when the directory was sealed before', async () => {
  const directory = join(base, 'twice');
  await sandbox.copyLayer(first, directory, { manifest: wrong() });
  expect((await sandbox.sealLayer(directory, { epochSeconds: EPOCH })).digest).not.toBe(known.digest);
  expect((await sandbox.sealLayer(directory, { epochSeconds: EPOCH })).digest).toBe(known.digest);
});

it('gives an entry that is dated back a new time and a new description', async () => {
  const directory = join(base, 'earlier');
  await sandbox.copyLayer(first, directory, { manifest: known });
  const { entries } = await sandbox.sealLayer(directory, { epochSeconds: 4 });
  expect(Math.max(...entries.map(({ mtimeSeconds }) => mtimeSeconds))).toBe(4);
  expect(await sandbox.readLayer(directory)).toMatchObject({ entries });
});

it('refuses a name that no manifest can hold, as a whole read does', async () => {
  const name = 'not UTF-8';
  await sandbox.copyLayer(first, join(base, name), { manifest: known });
  await change(name, 'perl -e "open F, qq(>\\xff) or die"');
  await expect(sandbox.sealLayer(join(base, name), { epochSeconds: EPOCH })).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
  await expect(sandbox.readLayer(join(base, name))).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
});
