import {
  type CanActivate,
  Controller,
  Get,
  SetMetadata,
  type Type,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { mount } from '../../lib/http/mount.js';

/** The keys of Nest's metadata. */
const [PATH, GUARDS, VERSION] = ['path', '__guards__', '__version__'] as const;

class AdminGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

class HostGuard extends AdminGuard {}

const Public = (): ClassDecorator => SetMetadata('isPublic', true);

@Controller('unused')
class Numbers {
  constructor(readonly offset: number) {}

  @SetMetadata('kind', 'number')
  @Get('sum')
  sum(a: number, b: number): number {
    return this.offset + a + b;
  }
}

function mountOne(options: Parameters<typeof mount>[0]): Type<Numbers> {
  const [mounted] = mount(options, [Numbers]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a class that extends the controller
  return mounted as Type<Numbers>;
}

const read = (key: string, target: object): unknown => Reflect.getMetadata(key, target);
const isPublic = (target: Type | (() => unknown)): unknown => new Reflector().get('isPublic', target);

describe('a controller that is mounted', () => {
  it('answers below its path, in every version of the API', () => {
    const mounted = mountOne({ path: 'djaffar' });
    expect(mounted.name).toBe('Numbers');
    expect(read(PATH, mounted)).toBe('djaffar');
    expect(read(VERSION, mounted)).toBe(VERSION_NEUTRAL);
    expect(read(GUARDS, mounted)).toBeUndefined();
    expect(new mounted(10).sum(1, 2)).toBe(13);
  });

  it('has handlers with the name, the parameters and the metadata of the controller’s', () => {
    const { sum } = mountOne({ path: 'djaffar' }).prototype;
    expect([sum.name, sum.length]).toEqual(['sum', 2]);
    expect(read(PATH, sum)).toBe('sum');
    expect(read('kind', sum)).toBe('number');
  });

  it('has the decorators of the host on the class and on each handler, where guards look for them', () => {
    const mounted = mountOne({ path: 'djaffar', decorators: [Public()] });
    expect(isPublic(mounted)).toBe(true);
    expect(isPublic(mounted.prototype.sum)).toBe(true);
    expect(read(PATH, mounted.prototype.sum)).toBe('sum');
    expect(read(VERSION, mounted.prototype.sum)).toBeUndefined();
  });

  it('has guards once, because Nest adds up those of the class and of the handler', () => {
    const mounted = mountOne({ path: 'djaffar', guard: AdminGuard, decorators: [UseGuards(HostGuard)] });
    expect(read(GUARDS, mounted)).toEqual([AdminGuard, HostGuard]);
    expect(read(GUARDS, mounted.prototype.sum)).toBeUndefined();
  });

  it('leaves the controller as it is, and others that are mounted from it', () => {
    const other = mountOne({ path: 'other' });
    const mounted = mountOne({ path: 'djaffar', decorators: [Public()] });
    for (const each of [Numbers, other]) {
      expect(isPublic(each)).toBeUndefined();
      expect(isPublic(each.prototype.sum)).toBeUndefined();
    }
    expect(read(PATH, Numbers)).toBe('unused');
    expect(read(PATH, other)).toBe('other');
    expect(mounted.prototype.sum).not.toBe(other.prototype.sum);
  });

  it('has handlers that can be replaced, as libraries do that measure them', () => {
    const mounted = mountOne({ path: 'djaffar' });
    mounted.prototype.sum = () => 17;
    expect(new mounted(10).sum(1, 2)).toBe(17);
    expect(Reflect.deleteProperty(mounted.prototype, 'sum')).toBe(true);
  });
});
