; The Windows setup. It leaves the work to the program's own verbs, which do the same for people
; without a setup; scripts/packaging/setup calls makensis with these:
;   VERSION  NUMBERS (four of them)  AMD64 and ARM64 (programs)  ICON  LICENSE  OUT
;
;   setup.exe /S                 without questions
;   Uninstall.exe /S [/PURGE]    likewise; /PURGE removes settings and state, too
;
; Exit codes: 0 done, 1 stopped by a person, 2 not installed or not uninstalled.
Unicode true
Target amd64-unicode ; on ARM, Windows 11 runs it, too
SetCompressor /SOLID lzma
SetDateSave off
ManifestDPIAware true
RequestExecutionLevel admin

!include MUI2.nsh
!include x64.nsh
!include LogicLib.nsh
!include FileFunc.nsh

!define PAGE "http://localhost:27880/"
!define ENTRY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Portsitter"

Name "Portsitter"
OutFile "${OUT}"
InstallDir "$PROGRAMFILES64\Portsitter"
BrandingText "Portsitter ${VERSION}"
ShowInstDetails nevershow
ShowUninstDetails nevershow
VIProductVersion "${NUMBERS}"
VIAddVersionKey ProductName "Portsitter"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "Portsitter Setup"
VIAddVersionKey CompanyName "The Portsitter authors"
VIAddVersionKey LegalCopyright "MIT licence"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!insertmacro MUI_PAGE_INSTFILES
!define MUI_FINISHPAGE_TITLE "Portsitter is running"
!define MUI_FINISHPAGE_TEXT "It starts with this PC and keeps the port open. Its page says whether an opponent can reach you."
!define MUI_FINISHPAGE_RUN "$WINDIR\explorer.exe" ; as the person who sits here, and not as administrator
!define MUI_FINISHPAGE_RUN_PARAMETERS "${PAGE}"
!define MUI_FINISHPAGE_RUN_TEXT "Open the page"
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Stop ends the setup with a text, and with 2 for who called it.
!macro Stop TEXT
	MessageBox MB_OK|MB_ICONSTOP `${TEXT}` /SD IDOK
	SetErrorLevel 2
	Quit
!macroend
!define Stop "!insertmacro Stop"

; Verb runs portsitter.exe with a verb, without a window: $0 is its exit code, or "error", and $1
; what it said.
!macro Verb ARGUMENTS
	nsExec::ExecToStack '"$INSTDIR\portsitter.exe" ${ARGUMENTS}'
	Pop $0
	Pop $1
!macroend
!define Verb "!insertmacro Verb"

; Always in the folder that the program takes for a lasting one: a second place would be a second
; Portsitter.
Function .onInit
	StrCpy $INSTDIR "$PROGRAMFILES64\Portsitter"
FunctionEnd

Section
	SetShellVarContext all
	SetRegView 64
	SetOutPath $INSTDIR
	${If} ${FileExists} "$INSTDIR\portsitter.exe"
		${Verb} "stop" ; not installed as a service, or stopped: then there is nothing to stop
	${EndIf}
	ClearErrors
	SetOverwrite try
	${If} ${IsNativeARM64}
		File "/oname=portsitter.exe" "${ARM64}"
	${Else}
		File "/oname=portsitter.exe" "${AMD64}"
	${EndIf}
	${If} ${Errors}
		${Verb} "start" ; as it was
		${Stop} "The program cannot be replaced because it is in use. Close the windows in which portsitter runs, and start this setup again."
	${EndIf}
	SetOverwrite on
	File "/oname=LICENSE.txt" "${LICENSE}"
	${Verb} "install"
	${If} $0 != 0
		${Stop} "Portsitter could not be installed as a service.$\r$\n$\r$\n$1"
	${EndIf}
	; What removes the program is this setup, not the verb.
	WriteRegDWORD HKLM "SYSTEM\CurrentControlSet\Services\Portsitter\Parameters" ProgramCopied 0

	WriteUninstaller "$INSTDIR\Uninstall.exe"
	; Without arguments the program opens its page, or says why it cannot.
	CreateShortcut "$SMPROGRAMS\Portsitter.lnk" "$INSTDIR\portsitter.exe" "" "$INSTDIR\portsitter.exe" 0 SW_SHOWNORMAL "" "Can an opponent reach me?"
	WriteRegStr HKLM "${ENTRY}" DisplayName "Portsitter"
	WriteRegStr HKLM "${ENTRY}" DisplayVersion "${VERSION}"
	WriteRegStr HKLM "${ENTRY}" DisplayIcon '"$INSTDIR\portsitter.exe"'
	WriteRegStr HKLM "${ENTRY}" Publisher "The Portsitter authors"
	WriteRegStr HKLM "${ENTRY}" URLInfoAbout "http://localhost:27880/help"
	WriteRegStr HKLM "${ENTRY}" InstallLocation "$INSTDIR"
	WriteRegStr HKLM "${ENTRY}" UninstallString '"$INSTDIR\Uninstall.exe"'
	WriteRegStr HKLM "${ENTRY}" QuietUninstallString '"$INSTDIR\Uninstall.exe" /S'
	WriteRegDWORD HKLM "${ENTRY}" NoModify 1
	WriteRegDWORD HKLM "${ENTRY}" NoRepair 1
	${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
	WriteRegDWORD HKLM "${ENTRY}" EstimatedSize $0
SectionEnd

Section Uninstall
	SetShellVarContext all
	SetRegView 64
	StrCpy $3 ""
	${GetParameters} $2
	ClearErrors
	${GetOptions} $2 "/PURGE" $4
	${IfNot} ${Errors}
		StrCpy $3 "--purge"
	${ElseIf} ${Cmd} `MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Remove Portsitter's settings, state and logs, too?$\r$\n$\r$\nWhat is kept serves the next installation." /SD IDNO IDYES`
		StrCpy $3 "--purge"
	${EndIf}
	${Verb} "uninstall $3"
	${If} $0 != 0
		${Stop} "Portsitter could not be uninstalled.$\r$\n$\r$\n$1"
	${EndIf}
	Delete "$INSTDIR\portsitter.exe"
	Delete "$INSTDIR\LICENSE.txt"
	Delete "$INSTDIR\Uninstall.exe"
	RMDir "$INSTDIR"
	Delete "$SMPROGRAMS\Portsitter.lnk"
	DeleteRegKey HKLM "${ENTRY}"
SectionEnd
