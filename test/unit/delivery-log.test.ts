import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { DeliveryError } from '../../lib/subscriptions/delivery.error.js';
import { DeliveryLog } from '../../lib/subscriptions/delivery-log.js';

const logger = { log: jest.fn(), warn: jest.fn(), error: jest.fn() };
const SYMPTOM = 'the subscription mail cannot be delivered';

describe('the log of a subscription', () => {
  let log: DeliveryLog;

  beforeEach(() => {
    log = new DeliveryLog(
      { name: 'mail', lease: 10_000, timeout: 500 },
      { incidents: new IncidentLog(logger) },
    );
  });

  afterEach(() => {
    jest.clearAllMocks();
  });

  it('has a failure as a warning, once, and its end', () => {
    expect(log.failed(new TypeError('no receiver'))).toBe('TypeError');
    expect(log.failed(new TypeError('no receiver'))).toBe('TypeError');
    expect(logger.warn.mock.calls).toEqual([[`${SYMPTOM}: no receiver`]]);
    expect(logger.log).not.toHaveBeenCalled();
    log.worked();
    log.worked();
    expect(logger.log.mock.calls).toEqual([[expect.stringContaining(SYMPTOM)]]);
    expect(logger.error).not.toHaveBeenCalled();
  });

  it('says nothing if nothing has failed', () => {
    log.worked();
    expect(logger.log).not.toHaveBeenCalled();
  });

  it('keeps the code of a failed delivery', () => {
    expect(log.failed(new DeliveryError('it answered 503', '503'))).toBe('503');
  });

  it('has a handler that takes too long', () => {
    log.late();
    expect(logger.warn.mock.calls).toEqual([[`${SYMPTOM}: ${log.lateness}`]]);
    expect(log.lateness).toContain('500 ms');
  });

  it('has a webhook that does not answer as the same problem', () => {
    log.late();
    log.failed(new DeliveryError('it did not answer within 500 ms', 'TIMEOUT'));
    expect(logger.warn).toHaveBeenCalledTimes(1);
  });

  it('has a lost lease', () => {
    log.lostLease();
    expect(logger.warn.mock.calls).toEqual([[expect.stringContaining('10000 ms')]]);
  });

  it.each<[string, () => unknown]>([
    ['a lost lease', () => log.lostLease()],
    ['a failure', () => log.failed(new Error('other'))],
  ])('has %s beside a handler that takes too long', (_, fail) => {
    log.late();
    fail();
    expect(logger.warn).toHaveBeenCalledTimes(2);
  });

  it('has a subscription that is parked as an error, with the remedy', () => {
    log.parked({ failures: 20, error: '503', retryIn: 0, history: null });
    expect(logger.error.mock.calls).toEqual([
      [expect.stringMatching(/20 failures.*503.*ActivitySubscriptions\.resume\('mail'\)/s)],
    ]);
    expect(logger.warn).not.toHaveBeenCalled();
  });
});
