import { promisify } from 'node:util';
import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { LocalAuthGuard, type SampleRequest } from './guards.js';
import type { SampleUser } from './users.service.js';

@Controller('auth')
export class AuthController {
  constructor(private readonly jwt: JwtService) {}

  @Post('login')
  @HttpCode(204)
  @UseGuards(LocalAuthGuard)
  async login(@Req() request: SampleRequest & { user: SampleUser }): Promise<void> {
    const ofNode = request.raw ?? request;
    await promisify<Express.User, void>(ofNode.logIn.bind(ofNode))(request.user);
  }

  @Post('logout')
  @HttpCode(204)
  async logout(@Req() request: SampleRequest): Promise<void> {
    const ofNode = request.raw ?? request;
    await promisify<void>(ofNode.logOut.bind(ofNode))();
  }

  @Post('token')
  @HttpCode(200)
  @UseGuards(LocalAuthGuard)
  token(@Req() { user }: SampleRequest & { user: SampleUser }): { accessToken: string } {
    return { accessToken: this.jwt.sign({ sub: user.id, username: user.username }) };
  }

  @Get('me')
  me(@Req() request: SampleRequest): { username: string | null } {
    return { username: (request.user ?? request.raw?.user)?.username ?? null };
  }
}
