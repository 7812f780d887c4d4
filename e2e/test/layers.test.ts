import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, ict, Mini, miniTemplate, sound, stepsOf, type BuildPlaces, type IctResult } from '../src/index.js';

const run = promisify(execFile);

let mini: Mini;
let places: BuildPlaces;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'layers');
  places = await mini.places();
});
afterAll(() => mini.close());

/** Writes a template with these layers, and files beside it. @returns its path. */
async function template(layers: readonly object[], files: Readonly<Record<string, string>> = {}): Promise<string> {
  const file = await mini.template(stringify({ ...miniTemplate(), layers }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(file, '..', name)), { recursive: true });
    await writeFile(join(file, '..', name), content);
  }
  return file;
}

async function built(file: string, args: readonly string[] = ['--no-image-cache']): Promise<IctResult> {
  const result = await mini.buildTemplate(file, places, args);
  expect(result.status, result.stderr).toBe(0);
  return result;
}

function steps(result: IctResult, type: 'step.hit' | 'step.miss'): readonly string[] {
  return stepsOf(result, type)
    .filter((step) => step.startsWith('ict.layer.'))
    .map((step) => step.slice('ict.layer.'.length));
}

/** A file of the root file system of an image; undefined when it is not there. */
async function inImage(result: IctResult, path: string): Promise<string | undefined> {
  const image = `${artifactOf(result, 'raw').path}?offset=${41 * 2 ** 20}`;
  const { stdout, stderr } = await run('debugfs', ['-R', `cat ${path}`, image]);
  return stderr.includes('File not found') ? undefined : stdout;
}

/** What a build would do with each layer, by name: `hit`, or why it would be made. */
async function planned(file: string): Promise<Readonly<Record<string, string>>> {
  const directories = ['--cache-dir', places.cache, '--work-dir', places.work, '--temp-dir', places.temporary];
  const result = await ict(['plan', file, '--json', ...directories, ...mini.flags()]);
  expect(result.status, result.stderr).toBe(0);
  const plan = JSON.parse(result.stdout) as { steps: { type: string; hit: boolean; reason: string }[] };
  const layers = plan.steps.filter(({ type }) => type.startsWith('ict.layer.'));
  return Object.fromEntries(layers.map(({ type, hit, reason }) => [type.slice('ict.layer.'.length), hit ? 'hit' : reason]));
}

describe('the types of a layer', () => {
  const COMBINATIONS = Array.from({ length: 8 }, (_, bits) => ({
    name: `l${bits >> 2}b${(bits >> 1) & 1}c${bits & 1}`,
    types: { launch: bits >> 2 === 1, build: ((bits >> 1) & 1) === 1, cache: (bits & 1) === 1 },
  }));
  const subject = ({ name, types }: (typeof COMBINATIONS)[number]) => ({
    name,
    types,
    env: { [`GIVEN_${name}`]: 'yes' },
    run: [`mkdir -p /opt/${name}/bin && echo made > /opt/${name}/file`, ['ln', '-s', '/bin/true', `/opt/${name}/bin/run-${name}`]],
  });
  const observe = `for name in ${COMBINATIONS.map(({ name }) => name).join(' ')}; do
    seen=
    test -e /opt/$name/file && seen="$seen file"
    command -v run-$name > /dev/null && seen="$seen program"
    eval "test \\"\\$GIVEN_$name\\" = yes" && seen="$seen env"
    case ":$LD_LIBRARY_PATH:" in *:/opt/$name/lib:*) seen="$seen library" ;; esac
    test -e /run/ict/layers/$name/opt/$name/file && seen="$seen aside"
    echo "$name:$seen"
  done > /observed`;
  let file: string;
  let first: IctResult;
  let observed: readonly string[];

  beforeAll(async () => {
    file = await template([...COMBINATIONS.map(subject), { name: 'observer', run: [observe] }]);
    first = await built(file);
    observed = ((await inImage(first, '/observed')) ?? '').trim().split('\n');
  });

  // What the layers after it see of it, and whether it is in the image.
  it.each([
    ['l0b0c0', '', false],
    ['l0b0c1', ' aside', false],
    ['l0b1c0', ' file program env library', false],
    ['l0b1c1', ' file program env library', false],
    ['l1b0c0', ' file', true],
    ['l1b0c1', ' file', true],
    ['l1b1c0', ' file program env library', true],
    ['l1b1c1', ' file program env library', true],
  ])('%s shows%s to later layers, and is in the image: %s', async (name, seen, launched) => {
    expect(observed).toContain(`${name}:${seen}`);
    expect(await inImage(first, `/opt/${name}/file`)).toBe(launched ? 'made\n' : undefined);
  });

  it('are all found again by the next build, which makes the same image', async () => {
    expect(steps(first, 'step.miss')).toEqual([...COMBINATIONS.map(({ name }) => name), 'observer']);
    const second = await built(file);
    expect(steps(second, 'step.miss')).toEqual([]);
    expect(artifactOf(second, 'raw').digest).toBe(artifactOf(first, 'raw').digest);
  });

  it('are not looked at when the whole image is kept', async () => {
    const kept = await built(file, []);
    const whole = await built(file, []);
    expect(stepsOf(whole, 'step.hit')).toEqual(['ict.image']);
    expect(artifactOf(whole, 'raw').digest).toBe(artifactOf(kept, 'raw').digest);
  });

  it('belong to the key', async () => {
    const [, ...others] = COMBINATIONS;
    const changed = await template([{ ...subject(COMBINATIONS[0]), types: { cache: true } }, ...others.map(subject)]);
    expect((await planned(changed))['l0b0c0']).toMatch(/types\.cache: false became true/);
  });
});

describe('the key of a layer', () => {
  const layer = {
    name: 'one',
    run: [['sh', '-c', 'cat /run/ict/inputs/src/a /run/ict/inputs/single > /result', 'a,bc'], 'test "$WORD" = word'],
    env: { WORD: 'word' },
    inputs: ['src', 'single'],
    metadata: { version: '1' },
    cacheMounts: [{ id: 'm', target: '/var/keep' }],
    files: [{ local: 'settings', final: '/etc/settings', mode: '0644' }],
    invalidateOn: { packages: ['mini-library'], values: { runtime: '16' } },
  };
  const files = { 'src/a': 'a\n', 'src/b/c': 'c\n', single: 'single\n', settings: 'x\n' };
  const first = layer.run[0] as string[];

  beforeAll(async () => {
    const result = await built(await template([layer], files));
    expect(await inImage(result, '/result')).toBe('a\nsingle\n');
  });

  it.each<[string, object, Readonly<Record<string, string>>, RegExp]>([
    ['nothing, in another directory', {}, {}, /^hit$/],
    ['the name of an input that is not read', {}, { 'src/b/d': '' }, /src\/b\/d/],
    ['the content of an input', {}, { 'src/a': 'b\n' }, /src\/a/],
    ['the content of a file', {}, { settings: 'y\n' }, /files/],
    ['where an argument ends', { run: [[...first.slice(0, 3), 'a', 'bc'], layer.run[1]] }, {}, /run/],
    ['an argv for the same text', { run: [first, ['sh', '-c', 'test "$WORD" = word']] }, {}, /run/],
    ['a value of the environment', { env: { WORD: 'other' } }, {}, /env\.WORD/],
    ['a variable of the environment', { env: { WORD: 'word', MORE: '' } }, {}, /env\.MORE/],
    ['the network policy', { network: true }, {}, /network: false became true/],
    ['metadata', { metadata: { version: '2' } }, {}, /metadata\.version/],
    ['a value to invalidate on', { invalidateOn: { packages: ['mini-library'], values: { runtime: '18' } } }, {}, /runtime/],
    ['a package to invalidate on', { invalidateOn: { packages: ['mini-kernel'], values: { runtime: '16' } } }, {}, /packages/],
    ['directory that outlives builds', { cacheMounts: [{ id: 'x', target: '/var/keep', sharing: 'locked' }] }, {}, /^hit$/],
    ['place of a directory that outlives builds', { cacheMounts: [{ id: 'm', target: '/var/x' }] }, {}, /cacheMounts/],
    ['what decides about earlier layers', { validate: 'echo keep' }, {}, /^hit$/],
  ])('with another %s', async (_what, changes, otherFiles, expected) => {
    expect((await planned(await template([{ ...layer, ...changes }], { ...files, ...otherFiles })))['one']).toMatch(expected);
  });

  it('knows of an input that is gone', async () => {
    const others = Object.fromEntries(Object.entries(files).filter(([path]) => path !== 'src/b/c'));
    expect((await planned(await template([layer], others)))['one']).toMatch(/src\/b\/c.* became nothing/);
  });

  it('does not see times of inputs, but who may execute them', async () => {
    const file = await template([layer], files);
    await utimes(join(file, '..', 'src', 'a'), 1, 1);
    expect(await planned(file)).toEqual({ one: 'hit' });
    await chmod(join(file, '..', 'src', 'a'), 0o755);
    expect((await planned(file))['one']).toMatch(/src\/a.*: 644 .* became 755 /);
  });
});

describe('a layer', () => {
  it('that comes out the same lets the layers above it hit', async () => {
    const above = { name: 'above', run: ['cat /below > /above'] };
    await built(await template([{ name: 'below', run: ['echo same > /below'] }, above]));
    const result = await built(await template([{ name: 'below', run: ['echo same | cat > /below'] }, above]));
    expect([steps(result, 'step.miss'), steps(result, 'step.hit')]).toEqual([['below'], ['above']]);
  });

  it('sees nothing of the host but its inputs, and no network', async () => {
    const commands = [
      `test ! -e ${mini.root}`,
      'test "$(ls /run/ict/inputs)" = only',
      'test "$(stat -c "%u %a %Y" /run/ict/inputs/only)" = "0 644 $SOURCE_DATE_EPOCH"',
      'test "$(sed 1,2d /proc/net/dev | sed "s/:.*//;s/ //g")" = lo',
      'env > /environment',
    ];
    const result = await built(await template([{ name: 'alone', inputs: ['only'], run: commands }], { only: 'x', other: 'y' }));
    const names = ((await inImage(result, '/environment')) ?? '').match(/^\w+/gm)?.sort();
    expect(names).toEqual(['HOME', 'LC_ALL', 'PATH', 'PWD', 'SOURCE_DATE_EPOCH', 'TZ']);
  });

  it('fails the build when a command fails, and is not kept', async () => {
    const file = await template([{ name: 'failing', run: ['exit 3'] }]);
    for (let attempt = 0; attempt < 2; attempt++) {
      const result = await mini.buildTemplate(file, places);
      expect(result.status).toBe(8);
      expect(steps(result, 'step.miss')).toEqual(['failing']);
    }
  });

  it('uses directories that outlive builds, and leaves no trace of them in the image', async () => {
    const count = 'echo x >> /var/keep/deep/count; wc -l < /var/keep/deep/count > /count';
    const layer = { name: 'counting', run: [count], cacheMounts: [{ id: 'count', target: '/var/keep/deep', sharing: 'locked' }] };
    expect(await inImage(await built(await template([layer])), '/count')).toBe('1\n');
    const result = await built(await template([{ ...layer, run: [`${count}; true`] }]));
    expect(await inImage(result, '/count')).toBe('2\n');
    const { stderr } = await run('debugfs', ['-R', 'stat /var/keep', `${artifactOf(result, 'raw').path}?offset=${41 * 2 ** 20}`]);
    expect(stderr).toContain('File not found');
    expect(await readdir(join(places.cache, '.ict', 'mounts'))).toContain('count');
    expect(await readFile(join(places.cache, '.ict', 'mounts', 'count', 'count'), 'utf8')).toBe('x\nx\n');
  });
});

it('a package that a layer is bound to and that nobody has is told with its line; one that the image lacks is as it should be', async () => {
  const bound = { name: 'bound', run: ['true'], invalidateOn: { packages: ['mini-service', 'mini-tool', 'mini-toll'] } };
  const { events } = await built(await template([bound]));
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event] : []));
  expect(warnings).toMatchObject([
    {
      code: 'ICT_LAYER_PACKAGE_UNKNOWN',
      hint: expect.stringContaining('"mini-tool"') as string,
      position: { line: expect.any(Number) as number },
    },
  ]);
});

describe('validate', () => {
  const layer = (version: string, validate: string | undefined, parts: object = {}) => ({
    name: 'tool',
    types: { launch: true, cache: true },
    metadata: { version },
    run: [`echo ${version} >> /tool`],
    ...(validate === undefined ? {} : { validate }),
    ...parts,
  });
  const decisions = (result: IctResult) => result.events.flatMap((event) => (event.type === 'layer.validated' ? [event.decision] : []));
  const same = 'test "$(cat /tool)" = "$ICT_EARLIER_VERSION" && test "$ICT_WANTED_VERSION" != "$ICT_EARLIER_VERSION"';

  it.each<[string, string | undefined, readonly string[], string]>([
    ['keeps an earlier layer', `${same} && echo keep`, ['keep'], '1.5\n'],
    ['continues an earlier layer', `${same} && echo update`, ['update'], '1.5\n1.6\n'],
    ['discards an earlier layer', `${same} && echo discard`, ['discard'], '1.6\n'],
    ['is absent: then an earlier layer is of no use', undefined, [], '1.6\n'],
  ])('%s', async (_what, validate, decided, content) => {
    await built(await template([layer('1.5', undefined, { env: { CASE: String(validate) } })]));
    const file = await template([layer('1.6', validate, { env: { CASE: String(validate) } })]);
    const result = await built(file);
    expect(decisions(result)).toEqual(decided);
    expect(await inImage(result, '/tool')).toBe(content);
    // Only a layer that was made from nothing but its key is found by it.
    const exact = decided.length === 0 || decided[0] === 'discard';
    expect(await planned(file)).toMatchObject({ tool: exact ? 'hit' : (expect.not.stringMatching(/^hit$/) as string) });
  });

  it('is not asked when what the layer is bound to differs', async () => {
    await built(await template([layer('2', undefined, { invalidateOn: { values: { runtime: '16' } } })]));
    const result = await built(await template([layer('3', 'echo keep', { invalidateOn: { values: { runtime: '18' } } })]));
    expect(decisions(result)).toEqual([]);
    expect(await inImage(result, '/tool')).toBe('3\n');
  });

  it('is not asked without the cache of layers', async () => {
    await built(await template([layer('6', undefined)]));
    const file = await template([layer('7', 'echo keep')]);
    const result = await sound(mini.buildTemplate(file, places, ['--no-layer-cache']));
    expect(decisions(result)).toEqual([]);
    expect(await inImage(result, '/tool')).toBe('7\n');
  });

  it('must decide', async () => {
    await built(await template([layer('4', undefined)]));
    const result = await mini.buildTemplate(await template([layer('5', 'echo perhaps')]), places);
    expect(result.status).toBe(1);
    expect(result.events.flatMap((event) => (event.type === 'build.failed' ? [event.error.code] : []))).toEqual(['ICT_LAYER_VALIDATE']);
  });
});
