import {
  BOTS,
  EARLY,
  HOURS,
  LAUNCH_SOURCES,
  NAMES,
  PLACES,
  SOURCES,
  USER_AGENTS,
  WEEKDAYS,
} from './people.js';
import { Random } from './random.js';
import { PLANS } from './site.js';
import { type Account, type Step, type Visitor, Walk } from './walk.js';

// Milliseconds.
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How many days before today are generated. */
const DAYS = 42;
/** Visits per day at the start; 1.5 times as many at the end. */
const VISITS = 35;
/** Factors for the visits on the day of the launch and on the following days. */
const LAUNCH_FACTORS = [3.6, 2.1, 1.4];

// Shares of all visits.
const BY_BOTS = 0.05;
const BY_MEMBERS = 0.27;
const BY_STRANGERS_AGAIN = 0.2;

/** The visitors of the last six weeks. */
export class Crowd {
  private readonly random = new Random(1815);
  private readonly places = new Random(1852);
  private readonly names = NAMES.map((name, i) => ({ id: i + 1, name }));
  private readonly visitors: Visitor[] = [];
  private readonly walks: Walk[] = [];

  constructor(private readonly now: Date) {}

  /** Returns all activities until now, the oldest first. */
  steps(): Step[] {
    for (let i = 0; i < EARLY; i += 1) {
      this.newVisitor(this.signUp(this.random.weighted(PLANS).plan));
    }
    for (let daysAgo = DAYS; daysAgo >= 0; daysAgo -= 1) this.day(daysAgo);
    // The live view always has visitors.
    for (let i = 0; i < 5; i += 1) this.come(this.now.getTime() - this.random.between(0, 12 * MINUTE));
    return this.walks
      .flatMap(({ steps }) => steps)
      .filter(({ date }) => date <= this.now)
      .sort((a, b) => a.date.getTime() - b.date.getTime());
  }

  /** Generates a day in the local time zone, so that nights have few visits. */
  private day(daysAgo: number): void {
    const midnight = new Date(this.now);
    midnight.setHours(-24 * daysAgo, 0, 0, 0);
    const fame = LAUNCH_FACTORS[this.launch - daysAgo] ?? 1;
    const growth = 1.5 - daysAgo / DAYS / 2;
    const visits =
      VISITS * growth * fame * (WEEKDAYS[midnight.getDay()] ?? 1) * (0.9 + this.random.next() / 5);
    const starts = Array.from({ length: visits }, () => this.momentOf(midnight)).sort((a, b) => a - b);
    for (const start of starts) {
      if (start > this.now.getTime()) return;
      this.come(start, this.random.chance(1 - 1 / fame));
    }
  }

  /** How many days ago the launch was: on a Tuesday two to three weeks ago. */
  private get launch(): number {
    return 14 + ((this.now.getDay() + 5) % 7);
  }

  private momentOf(midnight: Date): number {
    const hour = this.random.weighted(HOURS.map((weight, i) => [i, weight]));
    return new Date(midnight).setHours(hour, 0, 0, this.random.between(0, HOUR - 1));
  }

  private come(start: number, isForLaunch = false): void {
    if (this.random.chance(BY_BOTS)) return this.crawl(start);
    const visitor = (isForLaunch ? undefined : this.returning(start)) ?? this.newVisitor();
    const walk = new Walk(this.random, visitor, start, (plan) => this.signUp(plan));
    walk.run(this.random.weighted(isForLaunch ? LAUNCH_SOURCES : SOURCES));
    this.walks.push(walk);
  }

  /** A visit of a bot. Bots have no cookies, so each visit is another session. */
  private crawl(start: number): void {
    const bot = { ...this.newBrowser(), userAgent: this.random.weighted(BOTS) };
    const walk = new Walk(this.random, bot, start);
    walk.crawl(this.random.between(1, 9));
    this.walks.push(walk);
  }

  private returning(start: number): Visitor | undefined {
    const draw = this.random.next();
    if (draw > BY_MEMBERS + BY_STRANGERS_AGAIN) return undefined;
    const visitor = draw < BY_MEMBERS ? this.member() : this.random.pick(this.visitors.slice(-200));
    const away = start - visitor.lastSeen;
    if (away < HOUR) return undefined;
    // The session cookie lasts two weeks; the shop's login is shorter.
    if (away > 14 * DAY) visitor.session = this.random.key(15);
    if (away > 14 * DAY || this.random.chance(0.15)) visitor.isLoggedIn = false;
    return visitor;
  }

  /** Returns a member; older members visit more often, sometimes with another device. */
  private member(): Visitor {
    const members = this.visitors.filter(({ account }) => account);
    const member = members[Math.floor(members.length * this.random.next() ** 1.6)];
    if (member && this.random.chance(0.96)) return member;
    return this.newVisitor(member?.account);
  }

  private newVisitor(account?: Account): Visitor {
    const visitor = { ...this.newBrowser(), account };
    this.visitors.push(visitor);
    return visitor;
  }

  private newBrowser(): Visitor {
    const [country, language] = this.places.weighted(PLACES);
    return {
      session: this.random.key(15),
      country,
      language,
      userAgent: this.random.weighted(USER_AGENTS),
      ip: this.address(),
      isLoggedIn: false,
      lastSeen: 0,
    };
  }

  /** Returns an address of the ranges for documentation (RFC 5737, RFC 3849). */
  private address(): string {
    const part = (): string => this.random.between(1, 0xffff).toString(16);
    if (this.random.chance(0.3)) return `2001:db8:${part()}:${part()}::${part()}`;
    return `${this.random.pick(['192.0.2', '198.51.100', '203.0.113'])}.${this.random.between(1, 254)}`;
  }

  private signUp(plan: string): Account | undefined {
    const person = this.names.shift();
    return person && { ...person, plan };
  }
}
