DROP INDEX `users_email`;--> statement-breakpoint
CREATE INDEX `users_email` ON `users` (lower("email"));