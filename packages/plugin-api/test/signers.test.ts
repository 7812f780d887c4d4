import { describe, expect, it } from 'vitest';
import { decisiveFault } from '../src/index.js';
import type { SignatureFault, SignatureResult } from '../src/index.js';

const refused = (...faults: readonly SignatureFault[]): SignatureResult => ({
  ...{ good: false, signers: [], issuers: [], failures: [] },
  ...(faults.length === 0 ? {} : { faults }),
});
const good: SignatureResult = { good: true, signers: ['A'.repeat(40)], issuers: [], failures: [] };

describe('decisiveFault', () => {
  it.each<[string, readonly SignatureResult[], SignatureFault]>([
    ['nothing signed it', [refused('unsigned')], 'unsigned'],
    ['a foreign key did', [refused('unknown-key'), refused('unknown-key')], 'unknown-key'],
    ['a key did that is not pinned', [good], 'unknown-key'],
    ['such a key and a foreign one did', [good, refused('unknown-key')], 'unknown-key'],
    ['an expired key did', [refused('expired-key')], 'expired-key'],
    ['an expired key did, beside all else', [refused('unknown-key', 'other'), refused('expired-key')], 'expired-key'],
    ['a foreign key did, and a signature is bad', [refused('unknown-key'), refused('other')], 'other'],
    ['a foreign key did, and of another signature nobody says', [refused('unknown-key'), refused()], 'other'],
    ['nobody says', [refused()], 'other'],
    ['there is nothing', [], 'other'],
  ])('when %s', (_what, results, fault) => {
    expect(decisiveFault(results)).toBe(fault);
  });
});
