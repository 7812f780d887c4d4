import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pageOf, shippedDirectory } from '../src/shipped-files.js';

describe('shippedDirectory', () => {
  it('is that of the checkout, or that of the package', () => {
    expect(existsSync(`${shippedDirectory('templates')}/debian13-x86_64-minimal-raw.yml`)).toBe(true);
    expect(shippedDirectory('templates', false)).toMatch(/packages\/cli\/templates$/);
  });
});

describe('pageOf', () => {
  it('names a page as everybody has it in a checkout', () => {
    expect(pageOf('ICT_INTERNAL')).toBe('docs/errors/ICT_INTERNAL.md');
  });

  it('names that of the package where there is no checkout', () => {
    expect(pageOf('ICT_INTERNAL', false)).toBe(`${shippedDirectory('docs', false)}/errors/ICT_INTERNAL.md`);
  });

  it('knows no pages of plugins', () => {
    expect(pageOf('ACME_WRONG')).toBeUndefined();
  });
});
