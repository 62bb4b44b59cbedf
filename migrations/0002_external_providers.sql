CREATE TABLE `external_identities` (
	`provider_id` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`provider_id`, `issuer`, `subject`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`user_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `external_identities_user` ON `external_identities` (`user_id`,`provider_id`);--> statement-breakpoint
CREATE TABLE `identity_providers` (
	`provider_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`enabled` integer NOT NULL,
	`metadata_endpoint` text,
	`metadata` text,
	`metadata_fetched_at` integer DEFAULT 0 NOT NULL,
	`metadata_fault` text,
	`jwks` text,
	`client_id` text NOT NULL,
	`sealed_client_secret` text,
	`token_endpoint_auth_method` text NOT NULL,
	`scopes` text NOT NULL,
	`claims` text NOT NULL,
	`identifying_claim` text NOT NULL,
	`link_existing_users` integer DEFAULT true NOT NULL,
	`prompt` text,
	`response_mode` text,
	`allow_all_issuers` integer NOT NULL,
	`valid_issuers` text NOT NULL,
	`domains` text NOT NULL,
	`internal_hosts` text NOT NULL,
	`provisioning_enabled` integer NOT NULL,
	`user_template` text NOT NULL,
	`value_mappings` text NOT NULL,
	`group_mappings` text NOT NULL,
	`sign_in_text` text,
	`sign_in_icon` text,
	`sign_out_text` text,
	`sign_out_icon` text,
	`position` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `login_attempts` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`provider_id` text NOT NULL,
	`outcome` text NOT NULL,
	`step` text NOT NULL,
	`check_name` text,
	`cause` text,
	`fix` text,
	`user_id` text,
	`issuer` text,
	`subject` text,
	`sid` text,
	`request_id` text NOT NULL,
	`changes` text NOT NULL,
	`claims` text
);
--> statement-breakpoint
CREATE INDEX `login_attempts_at` ON `login_attempts` (`at`);--> statement-breakpoint
CREATE INDEX `login_attempts_provider` ON `login_attempts` (`provider_id`,`id`);--> statement-breakpoint
CREATE INDEX `login_attempts_user` ON `login_attempts` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `login_attempts_sid` ON `login_attempts` (`provider_id`,`sid`);--> statement-breakpoint
DROP INDEX `users_email`;--> statement-breakpoint
CREATE INDEX `users_email` ON `users` (lower("email"));--> statement-breakpoint
ALTER TABLE `user_group_members` ADD `granted_by` text REFERENCES `identity_providers`(`provider_id`) ON DELETE set null;