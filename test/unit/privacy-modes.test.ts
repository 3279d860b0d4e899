import { toSettings } from '../../lib/options/validation.js';
import type { DjaffarOptions } from '../../lib/index.js';
import { decide, keepsQueueInMemory, mayBeCookieless, undecided } from '../../lib/privacy/privacy-modes.js';

type Options = Pick<DjaffarOptions, 'privacy' | 'consent' | 'withoutConsent'>;

const yes = (): boolean => true;
const no = (): boolean => false;

describe('what may be stored of a visitor', () => {
  it.each<[Options, object]>([
    [{}, { mode: 'identified', isUserStored: true, consent: null }],
    [{ privacy: 'cookieless' }, { mode: 'cookieless', isUserStored: true, consent: null }],
    [{ privacy: 'cnil' }, { mode: 'cnil', isUserStored: false, consent: null }],
    [{ privacy: () => 'cookieless' }, { mode: 'cookieless', isUserStored: true, consent: null }],
    [{ consent: yes }, { mode: 'identified', isUserStored: true, consent: true }],
    // Who agrees is identified although others are not.
    [
      { consent: yes, privacy: 'cookieless' },
      { mode: 'identified', isUserStored: true, consent: true },
    ],
    [
      { consent: yes, privacy: 'cnil' },
      { mode: 'cnil', isUserStored: false, consent: true },
    ],
    [
      { consent: no, withoutConsent: 'nothing' },
      { mode: 'nothing', isUserStored: true, consent: false },
    ],
    [
      { consent: no, withoutConsent: 'cookieless' },
      { mode: 'cookieless', isUserStored: true, consent: false },
    ],
  ])('by the options %p', async (options, expected) => {
    const settings = toSettings(options);
    expect(decide({}, settings)).toEqual(expected);
    const { privacy = 'identified', consent } = options;
    const later = {
      ...settings,
      privacy: async () => (typeof privacy === 'function' ? privacy({}) : privacy),
      ...(consent && { consent: async () => consent({}) }),
    };
    expect(await decide({}, later)).toEqual(expected);
  });

  it('is decided at once if no function of the host returns a promise', () => {
    expect(decide({}, toSettings({ consent: yes }))).not.toBeInstanceOf(Promise);
    expect(decide({}, toSettings({ consent: async () => true }))).toBeInstanceOf(Promise);
    expect(decide({}, toSettings({ privacy: async () => 'cnil' }))).toBeInstanceOf(Promise);
  });

  it('is an error if the function returns no mode', () => {
    const settings = toSettings({ privacy: () => 'identified' });
    const wrong: unknown = { ...settings, privacy: () => 'all' };
    expect(() => decide({}, wrong as typeof settings)).toThrow(`returned 'all'; allowed: 'identified', `);
  });

  it('is an error of one function, and the rejection of the other does not end the process', async () => {
    const fail = (): never => {
      throw new Error('privacy failed');
    };
    const unhandled = jest.fn();
    process.once('unhandledRejection', unhandled);
    const consent = async (): Promise<boolean> => Promise.reject(new Error('consent failed'));
    expect(() => decide({}, { ...toSettings({ consent }), privacy: fail })).toThrow('privacy failed');
    await new Promise(setImmediate);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('is nothing that needs consent while the functions have not answered', () => {
    expect(undecided(toSettings({}))).toEqual({ mode: 'cookieless', isUserStored: false, consent: null });
    expect(undecided(toSettings({ consent: yes, withoutConsent: 'nothing' }))).toEqual({
      mode: 'nothing',
      isUserStored: false,
      consent: false,
    });
  });
});

describe('on the device of a visitor', () => {
  it.each<[Options, boolean, boolean]>([
    [{}, false, false],
    [{ privacy: 'cnil' }, false, false],
    [{ privacy: 'cookieless' }, true, true],
    [{ privacy: () => 'identified' }, true, true],
    [{ consent: yes, withoutConsent: 'nothing' }, false, true],
    [{ consent: yes, withoutConsent: 'cookieless' }, true, true],
  ])('with the options %p there may be no cookie: %s, and no queue: %s', (options, cookieless, inMemory) => {
    const settings = toSettings(options);
    expect(mayBeCookieless(settings)).toBe(cookieless);
    expect(keepsQueueInMemory(settings)).toBe(inMemory);
  });
});
