import { describe, expect, it } from 'vitest';
import { answersOf } from '../src/request-answers.js';

describe('answersOf', () => {
  it('sorts requests and ids, and names each once', () => {
    const answers = answersOf([
      ['web-server', 'nginx:amd64'],
      ['lib*', 'libz:amd64'],
      ['lib*', 'liba:amd64'],
      ['lib*', 'libz:amd64'],
    ]);
    expect(JSON.stringify(answers)).toBe('{"lib*":["liba:amd64","libz:amd64"],"web-server":["nginx:amd64"]}');
  });

  it('takes any text for a request', () => {
    expect(Object.keys(answersOf([['__proto__', 'a:all']]))).toEqual(['__proto__']);
  });
});
