import { describe, expect, it } from 'vitest';
import { DISK, HEAD, load, said } from './workspace.js';

const encrypted = (inside: string, head = HEAD) =>
  load(`${head}${DISK}systemConfig:\n  fde: { ${inside} }\n`, {}, { 'p.txt': 'correct horse' });

describe('fde', () => {
  it('is carried with the place of its passphrase, not with the passphrase', async () => {
    const { spec, problems, warnings } = await encrypted('enabled: true, passphraseFile: p.txt, partitions: [root], unlock: manual');
    expect([...problems, ...warnings]).toEqual([]);
    expect(spec?.system.encryption).toEqual({
      passphraseFile: expect.stringMatching(/^\/.*\/p\.txt$/) as string,
      partitions: ['root'],
      unlock: 'manual',
    });
    expect(JSON.stringify(spec)).not.toContain('correct horse');
  });

  it.each([
    ['one like it', '[root, esq]', 'no partition has the id "esq"', 'Did you mean "esp"?'],
    ['none like it', '[root, cryptic]', 'no partition has the id "cryptic"', 'The disk has: esp, root.'],
  ])('names partitions that exist: %s', async (_what, ids, message, hint) => {
    const { problems } = await encrypted(`enabled: true, partitions: ${ids}`);
    expect(problems).toMatchObject([{ code: 'ICT_TEMPLATE_DISK', message, hint, position: { column: expect.any(Number) as number } }]);
  });

  it('has no partitions to name in an image without a disk', async () => {
    const { problems } = await encrypted('enabled: true, partitions: [any]', HEAD.replace('imageType: raw', 'imageType: img'));
    expect(problems).toEqual([]);
  });

  it('switched off: nothing is looked at, and each key has no effect', async () => {
    const { spec, problems, refused, warnings } = await encrypted('passphraseFile: none.txt, partitions: [cryptic], unlock: auto');
    expect([...problems, ...refused]).toEqual([]);
    expect(spec?.system.encryption).toBeUndefined();
    expect(said(warnings)).toEqual(
      ['passphraseFile', 'partitions', 'unlock'].map(
        (key) => `ICT_TEMPLATE_NO_EFFECT: systemConfig.fde.${key} has no effect: encryption is switched off`,
      ),
    );
    expect((await encrypted('enabled: false')).warnings).toEqual([]);
  });
});

it('a network that configures no interface says that its backend has no effect', async () => {
  const { spec, warnings } = await load(`${HEAD}${DISK}systemConfig: { network: { backend: netplan, interfaces: [] } }\n`);
  expect(said(warnings)).toEqual(['ICT_TEMPLATE_NO_EFFECT: systemConfig.network.backend has no effect without interfaces']);
  expect(spec?.system.network).toBeUndefined();
});

it.each([
  ['systemConfig: { additionalFiles: [{ local: p.txt, final: /a, stage: pre-initramfs }] }', ['systemConfig.additionalFiles[0].stage']],
  ['layers: [{ name: a, files: [{ local: p.txt, final: /a, stage: pre-initramfs }] }]', ['layers[0].files[0].stage']],
  ['baseline: { mode: overlay }\nsystemConfig: { additionalFiles: [{ local: p.txt, final: /a, stage: pre-initramfs }] }', []],
])('the stage of a file is for overlay builds: %s', async (text, places) => {
  const { warnings } = await load(`${HEAD}${DISK}${text}\n`, {}, { 'p.txt': '' });
  expect(said(warnings)).toEqual(places.map((place) => `ICT_TEMPLATE_NO_EFFECT: ${place} has an effect on overlay builds only`));
});

it('an image that is no disk has what its template says of disks all the same', async () => {
  const head = HEAD.replace('imageType: raw', 'imageType: iso');
  const { spec, problems } = await load(`${head}disk: { path: /dev/sda, selectionPolicy: { strategy: largest }, partitions: [] }\n`);
  expect(problems).toEqual([]);
  expect(spec?.disk).toMatchObject({
    sizeBytes: 0,
    device: '/dev/sda',
    selectionPolicy: { strategy: 'largest', excludeRemovable: false, requireEmpty: false },
  });
});

it('an empty list of foreign architectures is none', async () => {
  const targetOf = async (list: string) => (await load(`${HEAD}  foreignArchitectures: ${list}\n${DISK}`)).spec?.target;
  expect(await targetOf('[i386, armhf]')).toMatchObject({ foreignArchitectures: ['i386', 'armhf'] });
  expect(await targetOf('[]')).not.toHaveProperty('foreignArchitectures');
});
