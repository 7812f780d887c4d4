import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diffTemplate, explainTemplate, explainVariables, hiddenIn } from '../src/documents/explanation.js';
import { loadTemplate } from '../src/documents/load.js';
import { coverSecrets } from '../src/sections/secret-text.js';
import { writeTemplate } from '../src/documents/template-text.js';
import { definition, DISK, HEAD, workspace } from './workspace.js';

const PLANTED = 'hunter2-planted';

/** Everything that reading a template makes and that is shown or kept somewhere. */
async function everythingSaid(text: string, given: ReadonlyMap<string, string> = new Map()): Promise<string> {
  const file = path.join(await workspace({ 'image.yml': text }), 'image.yml');
  const loaded = await loadTemplate(file, { distribution: () => definition(), variables: { given } });
  const { problems, warnings, refused, merged } = loaded;
  const shown = merged && writeTemplate(merged.template, hiddenIn(loaded, merged));
  return JSON.stringify([problems, warnings, refused, shown, explainTemplate(loaded), explainVariables(loaded), diffTemplate(loaded)]);
}

const users = (line: string): string => `${HEAD}${DISK}systemConfig:\n  users:\n    - ${line}\n`;

describe('a password is said nowhere', () => {
  it.each([
    ['plain', users(`{ name: admin, password: ${PLANTED} }`)],
    ['beside a mistake on its line', users(`{ name: admin, password: "${PLANTED}", shel: /bin/sh }`)],
    ['that looks like a hash', users(`{ name: admin, password: "$${PLANTED}" }`)],
    ['with an algorithm that cannot be', users(`{ name: admin, password: ${PLANTED}, hash_algo: md5 }`)],
    ['below a name that cannot be', users(`{ name: "a b", password: ${PLANTED} }`)],
    ['given twice', users(`{ name: admin, password: ${PLANTED}, password: ${PLANTED} }`)],
    ['in text that is not YAML', users(`{ name: admin, password: "${PLANTED} }`)],
    ['under a misspelt key', users(`{ name: admin, passwort: ${PLANTED} }`)],
    ['with a comma inside quotes', users(`{ name: admin, password: 'p,${PLANTED}', hash_algo: md5 }`)],
    ['with a brace inside quotes', users(`{ name: admin, password: "a}${PLANTED}", shel: /bin/sh }`)],
    ['that is a list', users(`{ name: admin, password: [${PLANTED}] }`)],
    ['that is a mapping', users(`{ name: admin, password: { a: b, c: ${PLANTED} } }`)],
    ['behind an anchor', users(`{ name: admin, password: &p ${PLANTED}, shel: /bin/sh }`)],
    ['that an alias brings', `x: &p "${PLANTED}"\n${users('{ name: admin, password: *p }')}`],
    ['under a key with an escape', users(`{ name: admin, "pass\\u0077ord": ${PLANTED}, shel: /bin/sh }`)],
    ['under an explicit key', users(`{ name: admin, ? password : ${PLANTED}, shel: /bin/sh }`)],
    ['under another misspelt key', users(`{ name: admin, pasword: ${PLANTED} }`)],
    ['after a mistake in the file', users(`{ name: admin, password: |${PLANTED} }`)],
    ['a hash', users(`{ name: admin, password: "$6$salt$${PLANTED}" }`)],
  ])('%s', async (_what, text) => {
    expect(await everythingSaid(text)).not.toContain(PLANTED);
  });

  it.each([
    ['of a repository', 'url: "http://me:PLANTED@h.example/x", pkey: key.asc'],
    ['of a repository that cannot be read', 'url: "http://me:PLANTED@h.example:99999/x", pkey: key.asc'],
    ['with a slash in its password', 'url: "http://me:x/PLANTED@h.example/x", pkey: key.asc'],
    [
      'far to the right of a mistake',
      'component: main contrib non-free non-free-firmware, priority: high, url: "http://deploy:PLANTED@h.example/x", pkey: key.asc',
    ],
    ['with a blank in its password', 'url: "http://me:my PLANTED pass@h.example/x", pkey: key.asc'],
    ['with an "@" in its user and a slash in its password', 'url: "http://deploy@corp.example:pl/PLANTED@h.example/x", pkey: key.asc'],
    ['with a quote and an "@" in its password', `url: "http://me:x'y@PLANTED@h.example/x", pkey: key.asc`],
    ['of another protocol', 'url: "gopher://me:PLANTED@h.example/x", pkey: key.asc'],
    ['without protocol', 'url: "me:PLANTED@h.example/x", pkey: key.asc'],
    ['without protocol but its slashes', 'url: "//me:PLANTED@h.example/x", pkey: key.asc'],
    ['of a key', 'url: "http://h.example/x", pkey: "https://me:PLANTED@h.example/key"'],
    ['of a key that cannot be read', 'url: "http://h.example/x", pkey: "ftp://me:PLANTED@h.example/key"'],
    ['in place of a list', 'url: "http://h.example/x", pkeys: "https://me:PLANTED@h.example/key"'],
  ])('in an address %s', async (_what, repository) => {
    for (const secret of [PLANTED, 'pw']) {
      const said = await everythingSaid(
        `${HEAD}${DISK}packageRepositories:\n  - { codename: one, ${repository.replace('PLANTED', secret)} }\n`,
      );
      expect(said).toContain('h.example');
      expect(said).not.toContain(secret);
    }
  });

  it('stands as a placeholder in the address of a printed template', async () => {
    const text = `${HEAD}${DISK}packageRepositories:\n  - { codename: one, url: "http://me:pw@h.example/x", pkey: me@work.asc }\n`;
    const said = await everythingSaid(text);
    expect(said).toContain('url: http://<REDACTED>@h.example/x\\n    pkey: me@work.asc');
  });

  it('a number in place of text', async () => {
    expect(await everythingSaid(users('{ name: admin, password: 987654321 }'))).not.toContain('987654321');
  });
});

it.each([
  ['given', 'PW: { secret: true }', new Map([['PW', PLANTED]])],
  ['as a default', `PW: { secret: true, default: ${PLANTED} }`, new Map<string, string>()],
  ['as a default beside a mistake', `PW: { default: ${PLANTED}, secret: true, what: x }`, new Map<string, string>()],
])('a secret variable %s is said nowhere, even where a message quotes the value', async (_what, declaration, given) => {
  const text = `variables:\n  ${declaration}\n${HEAD}${DISK}systemConfig:\n  hostname: "_\${PW}"\n  kernel: { cmdline: "x=\${PW}" }\n  users: [{ name: "\${PW} x", password: "\${PW}" }]\n`;
  const said = await everythingSaid(text, given);
  expect(said).toContain('it must be a host name');
  expect(said).not.toContain(PLANTED);
});

it('each line of a secret of several is one: programs print them one by one', async () => {
  const key = `-----BEGIN KEY-----\n${PLANTED}\nabc\n-----END KEY-----\n`;
  const text = `variables: { KEY: { secret: true } }\n${HEAD}${DISK}`;
  const file = path.join(await workspace({ 'image.yml': text }), 'image.yml');
  const { spec } = await loadTemplate(file, { distribution: () => definition(), variables: { given: new Map([['KEY', key]]) } });
  expect(spec?.secrets).toEqual([key, '-----BEGIN KEY-----', PLANTED, '-----END KEY-----']);
});

it('the engine learns which texts are secret', async () => {
  const file = path.join(await workspace({ 'image.yml': users(`{ name: admin, password: ${PLANTED} }`) }), 'image.yml');
  const { spec } = await loadTemplate(file, { distribution: () => definition() });
  expect(spec?.secrets).toEqual([PLANTED]);
  expect(spec?.system.users[0]?.passwordHash).not.toContain(PLANTED);
});

it.each([
  ['password: abc', 'password: ***'],
  ['password: a, b', 'password: ****'],
  ["{ password: 'a''b', x: 1 }", '{ password: ******, x: 1 }'],
  ['pasword: abc', 'pasword: ***'],
  ['- url: http://me:abc@host/x', '- url: http://******@host/x'],
  ['- { url: me:abc@host/x, y: 1 }', '- { url: ******@host/x, y: 1 }'],
  ['- url: ./me@host/x', '- url: ./me@host/x'],
  ['- { password: "a b", shell: /x }', '- { password: *****, shell: /x }'],
  ['passwordMaxAge: 90', 'passwordMaxAge: 90'],
  ['passphraseFile: p.txt', 'passphraseFile: p.txt'],
  ['secret: true', 'secret: true'],
  ['PASSWORD: { secret: true }', 'PASSWORD: { secret: true }'],
])('%s is shown as %s', (line, expected) => {
  expect(coverSecrets(line)).toBe(expected);
});

describe('a secret that is an ordinary word', () => {
  const printed = async (text: string, given: Readonly<Record<string, string>> = {}) => {
    const file = path.join(await workspace({ 'image.yml': text }), 'image.yml');
    const loaded = await loadTemplate(file, {
      distribution: () => definition(),
      variables: { given: new Map(Object.entries(given)) },
    });
    return { loaded, text: writeTemplate(loaded.merged!.template, hiddenIn(loaded, loaded.merged!)) };
  };

  it('is covered where it was put in, and leaves the same word elsewhere alone', async () => {
    const template = `variables: { PW: { secret: true } }\n${HEAD}${DISK}systemConfig: { hostname: "on-\${PW}", description: root }\n`;
    const { text, loaded } = await printed(template, { PW: 'root' });
    expect(text).toContain('hostname: on-<REDACTED>');
    expect(text).toContain('description: root');
    expect(text).toContain('id: root');
    const explained = explainTemplate(loaded).flatMap(({ path: at, value }) => (at === 'systemConfig.hostname' ? [value] : []));
    expect(explained).toEqual(['on-<REDACTED>']);
    expect(explainVariables(loaded)).toMatchObject([{ name: 'PW', value: '<REDACTED>' }]);
  });

  it('is covered in an inherited item of a list', async () => {
    const parent = `variables: { PW: { secret: true } }\n${HEAD}${DISK}systemConfig: { packages: [first, "\${PW}"] }\n`;
    const directory = await workspace({ 'base.yml': parent, 'image.yml': `extends: base.yml\n${HEAD}systemConfig: { packages: [own] }\n` });
    const loaded = await loadTemplate(path.join(directory, 'image.yml'), {
      distribution: () => definition(),
      variables: { given: new Map([['PW', 'curl']]) },
    });
    const text = writeTemplate(loaded.merged!.template, hiddenIn(loaded, loaded.merged!));
    expect(text).toContain('- first\n    - <REDACTED>\n    - own\n');
  });

  it('is refused when it is too short to be looked for', async () => {
    const template = `variables: { PW: { secret: true } }\n${HEAD}${DISK}`;
    const { loaded } = await printed(template, { PW: 'x86' });
    expect(loaded.problems.map(({ message, position }) => [message, position?.line])).toEqual([
      ['the value of the secret variable PW has fewer than 4 characters', 1],
    ]);
  });
});

it('a password from a secret variable is not taken for one that the template has', async () => {
  const text = `variables: { PW: { secret: true } }\n${users('{ name: admin, password: "${PW}" }')}`;
  const file = path.join(await workspace({ 'image.yml': text }), 'image.yml');
  const { spec, warnings } = await loadTemplate(file, {
    distribution: () => definition(),
    variables: { given: new Map([['PW', PLANTED]]) },
  });
  expect(warnings).toEqual([]);
  expect(spec?.system.users[0]?.passwordHash).toMatch(/^\$6\$/);
});
