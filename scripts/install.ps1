# Installs Portsitter as a service, out of an archive that has been downloaded. It fetches nothing.
#
#   right-click, "Run with PowerShell"               in the unpacked archive
#   .\install.ps1 -Archive FILE.zip                  with SHA256SUMS of the same release beside it
#
# It looks whether the files are as they were made, and then runs "portsitter install", which copies
# the program to "C:\Program Files\Portsitter". "portsitter uninstall --purge" takes everything away
# again. Without an administrator's rights it asks for them.
param([string]$Archive = '')

$ErrorActionPreference = 'Stop'

function Test-Administrator {
    $me = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    return $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
}

# Confirm-File ends the script unless the file is as SHA256SUMS beside it says.
function Confirm-File([string]$Path) {
    $name = Split-Path -Leaf $Path
    $sums = Join-Path (Split-Path -Parent $Path) 'SHA256SUMS'
    if (-not (Test-Path -LiteralPath $sums)) {
        throw "SHA256SUMS is missing beside ${name}: download it, too, from where the archive came from."
    }
    $want = ''
    foreach ($line in Get-Content -LiteralPath $sums) {
        $hash, $of = $line -split '\s+\*?', 2
        if ($of -eq $name) { $want = $hash }
    }
    if ($want -eq '') { throw "SHA256SUMS does not speak of ${name}: it belongs to another release." }
    $have = (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash
    if ($have -ne $want) { throw "$name is not as it was made: download it again." }
}

function Install-Portsitter([string]$Folder) {
    $program = Join-Path $Folder 'portsitter.exe'
    Confirm-File $program
    & $program version
    if ($LASTEXITCODE -ne 0) { throw 'This archive is for another kind of computer: take the one for yours.' }
    & $program install
    if ($LASTEXITCODE -ne 0) { throw 'Portsitter was not installed; it says above why.' }
}

if (-not (Test-Administrator)) {
    $again = @('-NoExit', '-ExecutionPolicy', 'Bypass', '-File', "`"$PSCommandPath`"")
    if ($Archive -ne '') { $again += @('-Archive', "`"$((Resolve-Path -LiteralPath $Archive).Path)`"") }
    Start-Process -FilePath 'powershell.exe' -Verb RunAs -ArgumentList $again
    exit 0
}

if ($Archive -eq '') {
    Install-Portsitter $PSScriptRoot
} else {
    $file = (Resolve-Path -LiteralPath $Archive).Path
    Confirm-File $file
    $folder = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
    try {
        Expand-Archive -LiteralPath $file -DestinationPath $folder
        Install-Portsitter (Get-ChildItem -LiteralPath $folder -Directory | Select-Object -First 1).FullName
    } finally {
        if (Test-Path -LiteralPath $folder) { Remove-Item -LiteralPath $folder -Recurse -Force }
    }
}
