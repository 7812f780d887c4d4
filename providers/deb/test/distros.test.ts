import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseDistribution } from '@ict/template';
import { describe, expect, it } from 'vitest';
import { listKeys, readKeyrings } from '../src/trust/keyring.js';
import { readQuirks } from '../src/quirks.js';

const directory = new URL('../distros/', import.meta.url);
const definitions = readdirSync(directory).map((name) => {
  const file = fileURLToPath(new URL(name, directory));
  return { name, ...parseDistribution(readFileSync(file, 'utf8'), file) };
});

/** Those whose keys are not part of this package: whoever builds them brings the keys. */
const WITHOUT_KEYS = ['ubuntu24.yml', 'ubuntu26.yml', 'elxr12.yml', 'elxr13.yml'];
const debian = definitions.filter(({ definition }) => definition?.os === 'debian');

it('there are definitions of Debian, and of what is made of it', () => {
  expect(definitions.map(({ name }) => name).sort()).toEqual(['debian12.yml', 'debian13.yml', ...WITHOUT_KEYS].sort());
  expect(debian.map(({ name }) => name).sort()).toEqual(['debian12.yml', 'debian13.yml']);
});

describe.each(debian)('$name', ({ definition }) => {
  it('trusts the archive as Debian names it, in three suites', () => {
    for (const repository of definition?.repositories ?? []) {
      expect(repository.expect).toMatchObject({ origin: 'Debian', codename: repository.suite });
      expect(repository.archive).toMatch(/^http:\/\/ftp\.debian\.org\/debian(-security)?$/);
    }
    const codename = definition?.repositories[0].suite;
    expect(definition?.repositories.map(({ id }) => id)).toEqual([
      `debian-${codename}`,
      `debian-${codename}-updates`,
      `debian-${codename}-security`,
    ]);
  });
});

describe.each(definitions)('$name', ({ name, definition, problems }) => {
  it('is valid', () => {
    expect(problems).toEqual([]);
    expect(definition).toMatchObject({
      ecosystem: 'deb',
      dist: name.replace('.yml', ''),
      essential: { priorities: ['required'] },
    });
  });

  it('names keyrings that are there, or none, and what each repository must say of itself', async () => {
    for (const repository of definition?.repositories ?? []) {
      expect(repository.expect?.codename).toMatch(/^[a-z-]+$/);
      expect(repository.keyrings.length === 0).toBe(WITHOUT_KEYS.includes(name));
      if (repository.keyrings.length > 0) expect(readKeyrings(repository).flatMap(listKeys).length).toBeGreaterThan(0);
    }
  });

  it('says how dpkg starts in an empty root', () => {
    const quirks = readQuirks(definition ?? { dist: name });
    expect(quirks.preExtract).toEqual(expect.arrayContaining(['dpkg', 'libc6', 'tar', 'dash', 'coreutils']));
    expect(quirks.usrMerge).toEqual(['bin', 'sbin', 'lib', 'lib64']);
  });
});
