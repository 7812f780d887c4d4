import { describe, expect, it } from 'vitest';
import { DISK, HEAD, load } from './workspace.js';

const WSL2 = HEAD.replace('raw', 'wsl2');
const TAR = 'artifacts: [{ type: tar, compression: gzip }]';
const messages = async (text: string): Promise<string[]> => (await load(text)).problems.map(({ message }) => message);

describe('a wsl2 image', () => {
  it('is a tar archive compressed with gzip', async () => {
    expect(await messages(`${WSL2}disk: { ${TAR} }\n`)).toEqual([]);
  });

  it.each([
    ['without an artifact', WSL2, 'a wsl2 image needs an artifact of type tar with compression gz'],
    [
      'with another',
      `${WSL2}disk: { artifacts: [{ type: tar, compression: xz }] }\n`,
      'a wsl2 image needs an artifact of type tar with compression gz',
    ],
    ['with partitions', `${WSL2}disk: { ${TAR}, partitions: [{ id: a, fsType: ext4 }] }\n`, 'a wsl2 image has no partitions'],
    ['with a kernel', `${WSL2}disk: { ${TAR} }\nsystemConfig: { kernel: { cmdline: quiet } }\n`, 'a wsl2 image has no kernel of its own'],
  ])('%s is wrong', async (_what, text, expected) => {
    expect(await messages(text)).toEqual([expected]);
  });
});

it('what is wrong with a mapping as a whole is told where the template has it', async () => {
  const { problems } = await load(`${WSL2}disk: { ${TAR} }\nsystemConfig:\n  name: a\n  kernel:\n    cmdline: quiet\n`);
  const line = WSL2.split('\n').length + 4;
  expect(problems).toMatchObject([{ message: 'a wsl2 image has no kernel of its own', position: { line, column: 5 } }]);
  const { warnings } = await load(`${HEAD.replace('raw', 'img')}systemConfig:\n  name: a\n  bootloader: { provider: grub }\n`);
  expect(warnings).toMatchObject([{ message: expect.stringContaining('systemConfig.bootloader') as string, position: { line: line - 2 } }]);
});

describe('what is said of a disk', () => {
  const IDLE = 'size: 2GiB, partitionTableType: gpt, path: /dev/sda, selectionPolicy: { strategy: largest }';
  const idle = async (imageType: string): Promise<string[]> => {
    const head = HEAD.replace('raw', imageType);
    const { warnings } = await load(`${head}disk: { ${IDLE}, ${TAR} }\nsystemConfig: { bootloader: { provider: grub } }\n`);
    return warnings.flatMap(({ code, message }) => (code === 'ICT_TEMPLATE_NO_EFFECT' ? [message.split(' ')[0] as string] : []));
  };

  it.each(['img', 'wsl2'])('is not dropped in silence where there is none: %s', async (imageType) => {
    expect(await idle(imageType)).toEqual(
      expect.arrayContaining(['disk.size', 'disk.partitionTableType', 'disk.path', 'disk.selectionPolicy', 'systemConfig.bootloader']),
    );
  });

  it('is not dropped in silence on a live ISO image either, which has a loader; what is for installers its format refuses', async () => {
    expect((await idle('iso')).sort()).toEqual(['disk.partitionTableType', 'disk.size']);
  });
});

it('keys that sign boot files have no effect on a wsl2 image, which has none, and a warning says so', async () => {
  const given = 'secureBootDBKey: "<KEY>", secureBootDBCrt: "<CRT>", secureBootDBCer: "<CER>"';
  const warned = async (head: string): Promise<string[]> => {
    const { warnings } = await load(`${head}disk: { ${TAR} }\nsystemConfig: { immutability: { ${given} } }\n`);
    return warnings.map(({ message }) => message);
  };
  const message = 'the keys that sign boot files have no effect: an image of type wsl2 has none';
  expect(await warned(WSL2)).toContain(message);
  expect(await warned(HEAD)).not.toContain(message);
});

describe('growing the last partition', () => {
  const growing = (disk: string, rest = ''): string =>
    `${HEAD}${disk.replace('disk:\n', 'disk:\n  extendLastPartitionToFillDisk: true\n')}${rest}`;
  const behind = DISK.replace('end: "0"', 'end: 1GiB').concat(
    '    - { id: data, type: linux, start: 1GiB, fsType: ext4, mountPoint: /srv }\n',
  );

  it('is right for the root of a disk image', async () => {
    expect(await messages(growing(DISK))).toEqual([]);
  });

  it.each([
    ['another partition is last', growing(behind), 'it is "data", which is not mounted at /'],
    ['the image is immutable', growing(DISK, 'systemConfig: { immutability: { enabled: true } }\n'), 'the image is immutable'],
    ['the image runs from memory', growing(DISK).replace('raw', 'iso'), 'the image type is iso'],
  ])('is wrong when %s', async (_what, text, expected) => {
    expect(await messages(text)).toEqual([`the last partition cannot grow to fill the disk: ${expected}`]);
  });
});
