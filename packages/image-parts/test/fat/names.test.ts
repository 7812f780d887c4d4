import { describe, expect, it } from 'vitest';
import { shortNames } from '../../src/fat/names.js';

describe('shortNames', () => {
  const short = (...names: string[]): readonly string[] =>
    [...shortNames(names)].map(([name, bytes]) => `${name}=${bytes.toString('latin1')}`);

  it('are the names themselves where these are short but for small letters', () => {
    expect(short('BOOTX64.EFI', 'grub.cfg', 'keys')).toEqual(['BOOTX64.EFI=BOOTX64 EFI', 'grub.cfg=GRUB    CFG', 'keys=KEYS       ']);
  });

  it('have a number where they are not, and leave the name of another file to it', () => {
    const expected = ['longna~1.con=LONGNA~1CON', 'longname.conf=LONGNA~2CON', 'longname.config=LONGNA~3CON', '\u017f.txt=S~1     TXT'];
    expect([...short('\u017f.txt', 'longname.conf', 'longname.config', 'longna~1.con')].sort()).toEqual([...expected].sort());
  });
});
