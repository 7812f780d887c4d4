import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keysOfProcess, wordsOf } from '../../src/stores/aws-process.js';
import { aws, refusalOf, secretOf, SECRET_MARK, tokenOf, useAws } from './aws-world.js';

useAws();

/** A program that is a script of the shell, with a secret among its arguments. */
function says(script: string): string {
  return `[default]\ncredential_process = sh ${aws.write('program', script)} '${SECRET_MARK} argument'\n`;
}

const printed = (keys: object): string => `cat <<'END'\n${JSON.stringify(keys)}\nEND\n`;
const keys = { Version: 1, AccessKeyId: 'ID', SecretAccessKey: secretOf('ID') };

describe('a program', () => {
  it('gives keys, once for all requests, and again before they end', async () => {
    const log = `${aws.home}/log`;
    const answer = { ...keys, SessionToken: tokenOf('ID'), Expiration: new Date((aws.now + 1000) * 1000).toISOString() };
    aws.write('.aws/config', says(`echo "$1" >> ${log}\n${printed(answer)}`));
    const login = aws.login({ PATH: process.env['PATH'] ?? '' });
    const all = await Promise.all([login.settings(), login.settings()]);
    expect(all[0]).toMatchObject({
      credentials: { keyId: 'ID', secret: secretOf('ID'), sessionToken: tokenOf('ID'), expiresAtSeconds: aws.now + 1000 },
      source: `credential_process (line 2 of ${aws.home}/.aws/config)`,
    });
    expect(all[1]).toEqual(all[0]);
    expect(readFileSync(log, 'utf8')).toBe(`${SECRET_MARK} argument\n`);
    aws.now += 800;
    await login.settings();
    expect(readFileSync(log, 'utf8').split('\n')).toHaveLength(3);
  });

  it('may give keys that last', async () => {
    aws.write('.aws/credentials', says(printed(keys)));
    const { credentials } = await aws.login({ PATH: process.env['PATH'] ?? '' }).settings();
    expect(credentials).toEqual({ keyId: 'ID', secret: secretOf('ID') });
  });

  it.each([
    ['fails', `echo ${SECRET_MARK} >&2; echo ${SECRET_MARK}; exit 3`, 'failed (status 3)'],
    ['is ended', 'kill -9 $$', 'was ended by SIGKILL'],
    ['says nothing', '', 'keys of version 1'],
    ['says no JSON', `echo ${SECRET_MARK}`, 'keys of version 1'],
    ['says another version', printed({ ...keys, Version: 2 }), 'keys of version 1'],
    ['says no secret', printed({ Version: 1, AccessKeyId: SECRET_MARK }), 'something else than keys'],
    ['says no date', printed({ ...keys, Expiration: SECRET_MARK }), 'something else than keys'],
    ['says keys that are old', printed({ ...keys, Expiration: '2020-01-01T00:00:00Z' }), 'were good until 2020-01-01T00:00:00Z'],
    ['says a list', `echo '["${SECRET_MARK}"]'`, 'keys of version 1'],
    ['says too much', 'yes', 'said too much'],
  ])('that %s is refused, and not quoted', async (_what, script, said) => {
    aws.write('.aws/config', says(script));
    const failure = await refusalOf(aws.login({ PATH: process.env['PATH'] ?? '' }).settings());
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', kind: 'network' });
    expect(failure.message).toContain(`credential_process (line 2 of ${aws.home}/.aws/config)`);
    expect(failure.message).toContain(said);
  });

  it.each([
    [`/absent ${SECRET_MARK}`, 'is not there'],
    [`"sh ${SECRET_MARK}`, 'names no program'],
  ])('that is none is refused: %s', async (line, said) => {
    aws.write('.aws/config', `[default]\ncredential_process = ${line}\n`);
    expect((await refusalOf(aws.login().settings())).message).toContain(said);
  });

  const waits = { value: 'tail -f /dev/null', file: 'f', line: 1 };
  const env = { PATH: process.env['PATH'] };

  it('may take a while, and no longer', async () => {
    const failure = await refusalOf(keysOfProcess(waits, { env, clock: () => 0 }, 50));
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', message: expect.stringContaining('took too long') as string });
  });

  it('ends with the build', async () => {
    const [abort, reason] = [new AbortController(), new Error('enough')];
    const asked = keysOfProcess(waits, { env, clock: () => 0, signal: abort.signal });
    abort.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });
});

it.each([
  ['a  b\tc', ['a', 'b', 'c']],
  [`"/opt/a b" 'c "d' e"f g"'h i'`, ['/opt/a b', 'c "d', 'ef gh i']],
  [String.raw`a\ b "c\"d\e" '\'`, ['a b', String.raw`c"d\e`, '\\']],
  ['a?b=$HOME&c=*;d', ['a?b=$HOME&c=*;d']],
  [`a ""`, ['a', '']],
  [`a "b`, []],
  [`a 'b`, []],
  ['', []],
])('words of %s', (line, words) => {
  expect(wordsOf(line)).toEqual(words);
});
