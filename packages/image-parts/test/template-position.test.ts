import { expect, it } from 'vitest';
import { positionOf } from '../src/template-position.js';

it('is the place of a value, or of the nearest part of the template around it', () => {
  const at = (line: number) => ({ file: 'template.yml', line, column: 3 });
  const spec = {
    positions: new Map([
      ['disk.partitions', at(5)],
      ['disk.partitions[1].fsType', at(12)],
    ]),
  };
  expect(positionOf(spec, 'disk.partitions[1].fsType')).toEqual(at(12));
  expect(positionOf(spec, 'disk.partitions[0].end')).toEqual(at(5));
  expect(positionOf(spec, 'image.name')).toBeUndefined();
});
