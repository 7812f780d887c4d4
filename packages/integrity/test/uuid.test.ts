import fc from 'fast-check';
import { expect, it } from 'vitest';
import { uuidFrom } from '../src/index.js';

it('is the documented value', () => {
  // printf 'ict-uuid/v1\0\0\0\0\x04seedroot' | sha256sum, version and variant set
  expect(uuidFrom('seed', 'root')).toBe('e623302d-c970-8c67-9aa7-a23adbfd47e9');
});

it('is version 8, a function of both parts, and keeps their boundary', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (seed, name) => {
      const uuid = uuidFrom(seed, name);
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(uuidFrom(Buffer.from(seed), name)).toBe(uuid);
      expect(uuidFrom(`${seed}${name}`, '')).not.toBe(uuid);
      expect(uuidFrom(name, `${seed}\0`)).not.toBe(uuid);
    }),
  );
});
