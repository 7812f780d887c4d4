import { describe, expect, it } from 'vitest';
import { isClimbing } from '../src/index.js';

describe('a path', () => {
  it.each(['..', 'a/../..', '../a', 'a/../../b', '%2e%2e/a', 'a/.%2E/%2E%2e/b', 'a/%2e./..'])(
    'climbs where the URL of it does: %s',
    (path) => {
      expect(isClimbing(path)).toBe(true);
      expect(new URL(`http://a.example/x/y/${path}`).pathname).not.toMatch(/^\/x\/y\/./);
    },
  );

  it.each(['a', './a', 'a..b', '...', 'a/%2e', 'g%2b%2b/1%3a2..3'])('stays below where its URL does: %s', (path) => {
    expect(isClimbing(path)).toBe(false);
    expect(new URL(`http://a.example/x/y/${path}`).pathname).toMatch(/^\/x\/y\//);
  });
});
