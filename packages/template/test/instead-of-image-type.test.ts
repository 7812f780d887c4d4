import { expect, it } from 'vitest';
import { insteadOf } from '../src/targets/instead-of-image-type.js';
import { diskTypes } from '../src/schema/disk.js';
import { commonImageTypes } from '../src/targets/target.js';
import { unsupported } from '../src/problems/unsupported.js';
import { HEAD, load } from './workspace.js';

it.each([
  ['iso', ['raw'], 'USB stick'],
  ['img', ['raw'], 'initrd'],
  ['wsl2', ['raw', 'toy'], 'virtual machine'],
])('of %s, where there are %j, says what a disk image is instead', (imageType, makes, word) => {
  const hint = insteadOf(imageType, makes);
  expect(hint.startsWith(`Supported: ${makes.join(', ')}. An image of type raw is a disk `)).toBe(true);
  expect([hint.includes(word), hint.includes('disk.artifacts')]).toEqual([true, true]);
});

it('of the format of an initrd names the type of image, where there is one', () => {
  expect(insteadOf('cpio', ['raw', 'img'])).toContain('imageType: img');
  expect(insteadOf('cpio', ['raw'])).toBe('Supported: raw.');
});

it.each(commonImageTypes.filter((type) => type !== 'raw'))('has words of its own for %s', (type) => {
  expect(insteadOf(type, ['raw'])).not.toBe(insteadOf('floppy', ['raw']));
});

it.each(diskTypes.filter((type) => type !== 'raw'))('of %s says where file formats belong', (type) => {
  expect(insteadOf(type, ['raw'])).toContain(`"type: ${type}" under disk.artifacts`);
});

it.each([
  ['iso', ['toy'], 'Supported: toy.'],
  ['qcow2', ['toy'], 'Supported: toy.'],
  ['floppy', ['raw'], 'Supported: raw.'],
  ['raw', [], 'No image type is supported: install a plugin that makes one.'],
])('of %s where there are %j says "%s"', (imageType, makes, hint) => {
  expect(insteadOf(imageType, makes)).toBe(hint);
});

it('is the hint of a template that asks for an ISO', async () => {
  const { merged } = await load(HEAD.replace('imageType: raw', 'imageType: iso'));
  expect(unsupported(merged!, { imageTypes: ['raw'] })).toMatchObject([{ code: 'ICT_UNSUPPORTED_YET', hint: insteadOf('iso', ['raw']) }]);
});
