import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { unlessStuck } from '../src/stuck.js';

describe('work that never ends', () => {
  const never = new Promise(() => undefined);

  it('is given up when Node would end twice: what knows better goes first', async () => {
    const node = new EventEmitter();
    const known = Promise.withResolvers<never>();
    const works = [unlessStuck(never, node), unlessStuck(known.promise, node)] as const;
    node.emit('beforeExit');
    known.reject(new Error('known'));
    await expect(works[1]).rejects.toThrow('known');
    node.emit('beforeExit');
    await expect(works[0]).rejects.toMatchObject({ code: 'ICT_CLI_STUCK', kind: 'internal' });
  });

  it('leaves no listener behind when it does end', async () => {
    const node = new EventEmitter();
    expect(await unlessStuck(Promise.resolve(1), node)).toBe(1);
    expect(node.listenerCount('beforeExit')).toBe(0);
  });
});
